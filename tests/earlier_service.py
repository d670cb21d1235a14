"""A database of the shape that the earlier service's has, with its faults, generated."""

from pathlib import Path

import psycopg2

DUMP = Path(__file__).resolve().parents[1] / "examples" / "earlier-service" / "database.sql"


def load(url: str) -> None:
    """Make the example's tables in a database."""
    run(url, DUMP.read_text(encoding="utf-8"))


def run(url: str, statements: str) -> None:
    """Carry out statements in one transaction."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statements)
    finally:
        connection.close()
