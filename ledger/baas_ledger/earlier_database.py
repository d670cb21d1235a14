"""Reads a database of the earlier service. The edge to it; nothing is ever written there."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, create_engine, inspect, text

from baas_crds.errors import ConfigurationError
from baas_ledger.earlier_rows import EarlierRow
from baas_ledger.engine import POSTGRES_OPTIONS, parsed
from baas_ledger.entra import sign_in
from baas_ledger.entra_url import asks_for_entra
from baas_ledger.failures import described, ledger_errors

SCHEMA = "private_schema_blur"
"""Where the earlier service kept its tables."""
CALLED = "The earlier service's database"

_STATUS, _DETECTION = "image_processing_status", "detection_information"
_KEY = ("image_customer_name", "image_upload_date", "image_filename")
_BOX = ("has_detection", "class_id", "x_norm", "y_norm", "w_norm", "h_norm", "image_width", "image_height")
_SCORE = "conf_score"
"""Its first versions had no such column."""

# Names as paths below a folder, without the line ends that its locks had. Byte order, whatever the server's locale is.
_NAME = r"""regexp_replace(rtrim(image_filename, E'\r\n'), '^(\./+)+', '') COLLATE "C" """
# One transaction of one moment, sorted by name, each name with all that there is of it.
_ROWS = """
WITH statuses AS (
    SELECT {name} AS name, image_upload_date AS uploaded, array_agg(DISTINCT processing_status) AS statuses,
           count(*) FILTER (WHERE image_filename <> {name}) AS unclean
      FROM {status}
     WHERE image_customer_name = :customer AND {name} > :after
     GROUP BY 1, 2
), detections AS (
    SELECT {name} AS name, image_upload_date AS uploaded, {columns}
      FROM {detection}
     WHERE image_customer_name = :customer AND {name} > :after
)
SELECT * FROM statuses FULL JOIN detections USING (name, uploaded) ORDER BY name, uploaded
"""
_FETCH = 5_000
"""So many rows come at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierDatabase:
    """The earlier service's tables, of one moment."""

    connection: Connection
    origin: str
    """Which database that is, for people, without user and password."""
    status: str
    detection: str
    """Names for SQL, with their schema."""
    columns: str

    def customers(self) -> list[str]:
        """Return for whom pictures were processed."""
        wanted = text(f"SELECT DISTINCT image_customer_name FROM {self.status} ORDER BY 1")  # noqa: S608 - quoted names
        return list(self.connection.scalars(wanted))

    def number_of_names(self, customer: str) -> int:
        """Return how many pictures a customer has there, by their names."""
        wanted = text(
            f"SELECT count(DISTINCT {_NAME}) FROM {self.status}"  # noqa: S608 - quoted names
            " WHERE image_customer_name = :customer"
        )
        return int(self.connection.scalar(wanted, {"customer": customer}) or 0)

    def has_pictures(self, customer: str, below: str) -> bool:
        """Whether a customer has pictures with a status in a folder of the names; empty: in any."""
        wanted = text(
            f"SELECT EXISTS (SELECT FROM {self.status} WHERE image_customer_name = :customer"  # noqa: S608 - quoted names
            f" AND image_upload_date IS NOT NULL AND starts_with({_NAME}, :folder) AND {_NAME} <> :folder)"
        )
        return bool(self.connection.scalar(wanted, {"customer": customer, "folder": f"{below}/" if below else ""}))

    def pictures(self, customer: str, after: str = "") -> Iterator[list[EarlierRow]]:
        """Give all rows of each name behind `after`, name by name in byte order, without holding more than some."""
        query = _ROWS.format(name=_NAME, status=self.status, detection=self.detection, columns=self.columns)
        streaming = self.connection.execution_options(stream_results=True, yield_per=_FETCH)
        rows = streaming.execute(text(query), {"customer": customer, "after": after})
        read = (
            EarlierRow(**{**row, "statuses": _tuple(row["statuses"]), "unclean": row["unclean"] or 0})
            for row in rows.mappings()
        )
        for _, same in itertools.groupby(read, key=lambda row: row.name):
            yield list(same)


@contextmanager
def open_earlier(url: str, schema: str = SCHEMA) -> Iterator[EarlierDatabase]:
    """Give the tables of the earlier service at a URL as `engine.open_ledger` takes it, to read only.

    Raises `ConfigurationError` when they are not there or have other columns, `DependencyUnavailable` when the
    database does not answer.
    """
    place = parsed(url)
    if place.get_backend_name() != "postgresql":
        raise ConfigurationError(f"{CALLED} is on PostgreSQL: write postgresql://user:password@host:5432/database.")
    engine = create_engine(
        place.update_query_dict({**POSTGRES_OPTIONS, **place.query}),
        hide_parameters=True,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
    )
    if asks_for_entra(place):
        sign_in(engine)
    try:
        with ledger_errors(place, CALLED), engine.connect() as connection:
            columns = _checked_columns(connection, described(place, CALLED), schema)
            quote = engine.dialect.identifier_preparer.quote
            yield EarlierDatabase(
                connection=connection,
                origin=f"{place.database} on {place.host or 'this machine'}, schema {schema}",
                status=f"{quote(schema)}.{_STATUS}",
                detection=f"{quote(schema)}.{_DETECTION}",
                columns=columns,
            )
    finally:
        engine.dispose()


def _checked_columns(connection: Connection, place: str, schema: str) -> str:
    """Return what is selected of a detection."""
    there = inspect(connection)
    found: dict[str, set[str]] = {}
    for table, needed in ((_STATUS, (*_KEY, "processing_status")), (_DETECTION, (*_KEY, *_BOX))):
        if not there.has_table(table, schema=schema):
            raise ConfigurationError(
                f"{place} has no table {schema}.{table}: name the schema of the earlier service's tables with "
                "--schema, and a user who may read them."
            )
        found[table] = {column["name"] for column in there.get_columns(table, schema=schema)}
        if missing := sorted(set(needed) - found[table]):
            raise ConfigurationError(
                f"{place}: {schema}.{table} lacks {', '.join(missing)}, so it is no table of the earlier service."
            )
    score = _SCORE if _SCORE in found[_DETECTION] else f"CAST(NULL AS double precision) AS {_SCORE}"
    return ", ".join([*_BOX, score])


def _tuple(statuses: Sequence[str | None] | None) -> tuple[str | None, ...] | None:
    return None if statuses is None else tuple(statuses)
