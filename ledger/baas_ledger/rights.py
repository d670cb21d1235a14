"""Who may do what in a ledger on PostgreSQL: those who work with it read and write its rows, and make no tables."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text

from baas_crds.errors import ConfigurationError
from baas_ledger.failures import described
from baas_ledger.tables import audit_records, events, metadata
from baas_ledger.transactions import is_postgres, transaction

ONLY_ADDED_TO = frozenset({audit_records.name, events.name})
"""What was recorded in these nobody changes or takes away, whoever's token they hold."""


def grant(engine: Engine, roles: Sequence[str]) -> None:
    """Let roles of the database read all of the ledger and write its rows. Doing it again changes nothing.

    Raises `ConfigurationError` for a ledger that is a file, for a role that the server does not know, and when the
    tables are somebody else's.
    """
    with transaction(engine) as connection:
        if not is_postgres(connection):
            raise ConfigurationError(f"{described(engine.url)} is a file, where nobody is granted anything.")
        for role in roles:
            _check_known(connection, engine, role)
            for statement in _grants(connection, connection.dialect.identifier_preparer.quote_identifier(role)):
                connection.execute(text(statement))


def _check_known(connection: Connection, engine: Engine, role: str) -> None:
    if connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}) is None:
        raise ConfigurationError(
            f"{described(engine.url)} knows no role {role}: make it first. For an identity of Microsoft Entra "
            "pgaadauth_create_principal does."
        )


def _grants(connection: Connection, role: str) -> list[str]:
    quoted = connection.dialect.identifier_preparer.quote_identifier
    schema = quoted(connection.scalar(text("SELECT current_schema()")) or "public")
    changed = ", ".join(f"{schema}.{quoted(name)}" for name in sorted(set(metadata.tables) - ONLY_ADDED_TO))
    added_to = ", ".join(f"{schema}.{quoted(name)}" for name in sorted(ONLY_ADDED_TO))
    return [
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        f"GRANT INSERT, UPDATE, DELETE ON {changed} TO {role}",
        f"GRANT INSERT ON {added_to} TO {role}",
    ]
