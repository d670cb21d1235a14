"""Runs migrations on the connection that `baas_ledger.schema` hands over, inside its transaction."""

from alembic import context

from baas_ledger.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
