"""How the database carries out what the ledger asks it."""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Connection, Engine, event

_EXPLAIN = {"postgresql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}


def plans(engine: Engine, action: Callable[[Connection], object], tables: Collection[str] = ("images",)) -> str:
    """Run an action, undo it, and return the database's plans of its statements that look into some tables."""
    seen: list[str] = []

    def explain(
        connection: Connection, cursor: Any, statement: str, values: Any, context: Any, executemany: bool
    ) -> None:
        looks = statement.startswith(("SELECT", "UPDATE", "WITH", "DELETE"))
        if looks and any(table in statement for table in tables):
            for one in values if executemany else [values]:
                cursor.execute(f"{_EXPLAIN[engine.dialect.name]} {statement}", one)
                seen.append("\n".join(str(line[-1]) for line in cursor.fetchall()))

    event.listen(engine, "before_cursor_execute", explain)
    try:
        with engine.connect() as connection:
            action(connection)
            connection.rollback()
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    return "\n\n".join(seen)
