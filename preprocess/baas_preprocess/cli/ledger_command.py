"""`baas ledger`."""

import click

from baas_ledger.engine import open_ledger
from baas_ledger.failures import described
from baas_ledger.rights import grant
from baas_preprocess.patience import patient


@click.group("ledger")
def ledger_command() -> None:
    """Look after the database that runs are recorded in."""


@ledger_command.command("upgrade")
@click.option(
    "--ledger", envvar="BAAS_LEDGER", required=True, metavar="URL", show_envvar=True, help="The database's URL."
)
@click.option(
    "--patience-seconds",
    envvar="BAAS_PATIENCE_SECONDS",
    type=click.FloatRange(0, 3600),
    default=60,
    show_default=True,
    show_envvar=True,
    help="How long a database that does not answer is tried again.",
)
@click.option(
    "--grant-to",
    envvar="BAAS_GRANT_TO",
    metavar="ROLES",
    default="",
    show_envvar=True,
    help="Let these roles of PostgreSQL, with commas, read the tables and write their rows.",
)
def upgrade_command(ledger: str, patience_seconds: float, grant_to: str) -> None:
    """Create the ledger in a database, or bring it to this version's tables.

    Doing it again changes nothing, and any number may do it at once. `baas plan` and `baas work` need it; `baas blur`
    does it by itself.

    \b
        BAAS_LEDGER=postgresql://user:password@host/database baas ledger upgrade
        baas ledger upgrade --ledger 'postgresql://server.postgres.database.azure.com/baas?auth=entra' \\
          --grant-to blur-operator,blur-workers
    """
    calling = patient(patience_seconds, dependency="ledger")
    engine = calling(open_ledger, ledger)
    roles = [role.strip() for role in grant_to.split(",") if role.strip()]
    if roles:
        calling(grant, engine, roles)
    engine.dispose()
    click.echo(f"{described(engine.url)} has this version's tables.")
    if roles:
        click.echo(f"{', '.join(roles)} may read them and write their rows.")
