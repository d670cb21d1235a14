"""What the ledger's tables are made of: types that mean the same on both databases, and rules that several keep."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem


class Moment(TypeDecorator[datetime]):
    """A point in time, always with the time zone UTC. SQLite has no time zones, so there it is stored without."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone: it could mean any hour."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


# SQLite numbers rows by itself only in a column of exactly this type.
Number = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB, "postgresql")
# Byte order, so that pages follow each other the same way on both databases and whatever the server's locale is.
Name = Text().with_variant(Text(collation="C"), "postgresql")


def one_of(column: str, choices: type[StrEnum]) -> CheckConstraint:
    """Return what lets a column hold nothing but these words."""
    values = ", ".join(f"'{choice}'" for choice in choices)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def shares() -> tuple[SchemaItem, ...]:
    """Return the columns of a box in shares of a picture, and what holds for them."""
    return (
        *(Column(name, Double, nullable=False) for name in ("x", "y", "width", "height")),
        CheckConstraint("x >= 0 AND x < 1 AND y >= 0 AND y < 1", name="corner_is_inside"),
        CheckConstraint("width >= 0 AND width <= 1 AND height >= 0 AND height <= 1", name="size_is_a_share"),
    )


def partial(name: str, *columns: str, where: str) -> Index:
    """Return an index of those rows only for which a condition holds, in SQL that both databases read."""
    return Index(name, *columns, postgresql_where=text(where), sqlite_where=text(where))
