"""Brings a ledger to this software's schema, and tells when that cannot be done."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, inspect, select

from baas_crds.errors import ConfigurationError
from baas_ledger.earlier_tables import earlier_imports
from baas_ledger.failures import described
from baas_ledger.tables import metadata
from baas_ledger.transactions import is_postgres, reading, transaction

# Not Alembic's usual name, so that a database shared with another application keeps the two apart.
VERSION_TABLE = "ledger_schema"
# Any constant serves: whoever migrates a ledger of this PostgreSQL database takes this lock first.
MIGRATION_LOCK = 0x62616173
EARLIER_NAMES = frozenset({"image_processing_status", "detection_information", "batch_run_information"})
"""The earlier service's tables; in a ledger, views have these names (docs/reference/earlier-tables.md)."""


def upgrade(engine: Engine) -> None:
    """Create the ledger or bring it to this software's schema, in one transaction; any number may try at once.

    Raises `ConfigurationError` when it has a newer schema than this software, or holds something else, such as the
    earlier service's tables.
    """
    with reading(engine) as connection:
        if _revision(connection, engine) == _head():
            return
    with transaction(engine) as connection:  # on SQLite this alone keeps all others out
        if is_postgres(connection):
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        if _revision(connection, engine) != _head():
            _check_names_are_free(connection, engine)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def check(engine: Engine) -> None:
    """Raise `ConfigurationError` unless the ledger has exactly this software's schema."""
    with reading(engine) as connection:
        found = _revision(connection, engine)
    if found != _head():
        raise ConfigurationError(
            f"{described(engine.url)} has schema {found or 'none'}, this software needs {_head()}: migrate it first."
        )


def _revision(connection: Connection, engine: Engine) -> str | None:
    """Return the schema's revision, None for an empty database. Raises when it is not ours to change."""
    found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    if found is None:
        tables = set(inspect(connection).get_table_names())
        foreign = tables & set(metadata.tables) if is_postgres(connection) else tables
        if foreign:
            raise ConfigurationError(
                f"{described(engine.url)} is no ledger: it has other tables ({', '.join(sorted(foreign)[:3])}). "
                "Give the ledger a database of its own."
            )
    elif found not in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}:
        raise ConfigurationError(
            f"{described(engine.url)} has schema {found}, which is newer than this software (it knows up to "
            f"{_head()}): update the software."
        )
    return found


def _check_names_are_free(connection: Connection, engine: Engine) -> None:
    """Raise `ConfigurationError` when something that is not ours has the name of a view that a migration makes."""
    names = inspect(connection)
    if earlier_imports.name in names.get_table_names():
        return
    taken = EARLIER_NAMES.intersection([*names.get_table_names(), *names.get_view_names()])
    if taken:
        raise ConfigurationError(
            f"{described(engine.url)} has {', '.join(sorted(taken))} already, and nothing was changed: in a ledger "
            "these names are views, and the earlier service's own tables are to stay as they are. Give the ledger a "
            "database of its own, or move those tables into another schema (docs/migrating.md)."
        )


def _head() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("the package carries no migrations")
    return head


def _config() -> Config:
    config = Config()
    # Alembic expands percent signs in its options.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
