"""`baas earlier`: what a service before this one finished."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from baas_ledger.earlier_database import SCHEMA, EarlierDatabase, open_earlier
from baas_ledger.earlier_imports import Kept, kept
from baas_ledger.earlier_rows import Found
from baas_preprocess.cli.console import LEDGER_HELP, given_ledger, out, printable, progress_bar
from baas_preprocess.cli.name_list import with_names
from baas_preprocess.earlier_runs import called, is_folder, open_any, open_own
from baas_preprocess.earlier_service import Wish, customer_of, look, take_over
from baas_preprocess.results import check_page_apart

_dest = click.argument("dest")
_ledger = click.option("--ledger", metavar="URL", help=LEDGER_HELP)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("earlier")
def earlier_command() -> None:
    """Move over from the earlier service: import its database, and tell what stands as it published it."""


@earlier_command.command("import")
@_dest
@click.option(
    "--database",
    envvar="BAAS_EARLIER_DATABASE",
    required=True,
    metavar="URL",
    show_envvar=True,
    help="The earlier service's database: postgresql://user:password@host/database.",
)
@click.option("--schema", default=SCHEMA, show_default=True, metavar="NAME", help="Where its tables are.")
@click.option("--customer", metavar="NAME", help="Whose pictures; it may be left out when there is one customer only.")
@click.option(
    "--below",
    default="",
    metavar="FOLDER",
    help="Only names in this folder of its input, and without it: as a run names them whose SOURCE is that folder.",
)
@click.option(
    "--trust-without-boxes",
    is_flag=True,
    help="Take pictures that it finished and recorded no box of for finished: nobody is there, or its batch was cut "
    "short and persons and plates can be seen. Without this they are to be done.",
)
@_ledger
@click.option("--dry-run", "is_dry", is_flag=True, help="Only tell what would be imported; nothing is written.")
@_json
def import_command(
    dest: str,
    database: str,
    schema: str,
    customer: str | None,
    below: str,
    trust_without_boxes: bool,
    ledger: str | None,
    is_dry: bool,
    as_json: bool,
) -> None:
    """Take over what the earlier service's database says of the pictures whose outputs stand at DEST.

    DEST is what runs will publish into: a folder, the https:// address of a container's folder, or a volume of pods as
    the ledger calls it. The earlier service's database is only read. Of each name the newest upload counts, and
    `inprogress` is to be done, as is what it finished without any box. Boxes that it wrote again are dropped, corners
    in pixels become shares of the picture, and what is no box is refused. Interrupted, the same command goes on; later,
    it brings the ledger up to date.

    Nothing counts as published or checked by this service then. Runs do the pictures all the same, unless they are
    told to keep them: `baas blur --keep-earlier`, or a BlurJob's keepEarlier.

    \b
        baas earlier import safe/ --dry-run
        baas earlier import https://account.blob.core.windows.net/safe --ledger postgresql://… --customer dataoffice
    """
    with open_earlier(database, schema) as earlier:
        wish = Wish(
            customer=customer_of(earlier, customer),
            below=below.strip("/"),
            redo_without_boxes=not trust_without_boxes,
        )
        counts = _import(earlier, wish, dest, ledger, is_dry=is_dry)
    if as_json:
        # What is dropped, only the ledger tells, which a dry run does not ask.
        figures = {str(one): counts[one] for one in Found if not (is_dry and one is Found.DROPPED)}
        document = {"dry_run": is_dry, "customer": wish.customer, "destination": called(dest), "counts": figures}
        click.echo(json.dumps(document, indent=1))
        return
    out.print(_table(counts))
    if is_dry:
        out.print("This was a dry run: nothing was written.")


@earlier_command.command("list")
@_dest
@_ledger
@click.option(
    "--names", type=click.Path(path_type=Path), metavar="FILE", help="Write the pictures' names there, one a line."
)
@_json
def list_command(dest: str, ledger: str | None, names: Path | None, as_json: bool) -> None:
    """Tell which pictures at DEST stand as the earlier service published them, as far as the ledger knows.

    This service has checked none of them. What a run has published, left out or quarantined since is not listed. Exit
    code 0, also when there are none.

    \b
        baas earlier list safe/ --names earlier.txt
        baas earlier list https://account.blob.core.windows.net/safe --ledger postgresql://… --json
    """
    if names is not None and is_folder(dest):
        check_page_apart(names, Path(dest), option="--names")
    with open_any(dest, given_ledger(ledger)) as (engine, _):
        found: Iterator[Kept] = (one for page in kept(engine, called(dest)) for one in page)
        if names is not None:
            found = with_names(found, names)
        if as_json:
            _print_document(called(dest), found)
            return
        number = without = 0
        for one in found:
            number += 1
            without += not one.boxes
    _say(f"{number:,} pictures at {called(dest)} stand as the earlier service published them.")
    if without:
        _say(f"Of {without:,} of these it recorded no box: nobody was there, or a batch was cut short.")
    if number:
        _say("To have them done by this service: the same run without --keep-earlier (a BlurJob: without keepEarlier).")


def _import(earlier: EarlierDatabase, wish: Wish, dest: str, ledger: str | None, *, is_dry: bool) -> Counter[str]:
    with progress_bar() as bar:
        task = bar.add_task("Counting", total=None, rate="")
        bar.update(task, total=earlier.number_of_names(wish.customer), description="Importing")

        def tell(names: int, counts: Counter[str]) -> None:
            bar.update(task, advance=names, rate=f"{counts[Found.BOXES]:,} boxes")

        if is_dry:
            return look(earlier, wish, tell)
        with open_own(dest, given_ledger(ledger)) as engine:
            return take_over(earlier, wish, engine, called(dest), tell)


def _table(counts: Counter[str]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    for one in Found:
        if counts[one] or one is Found.FINISHED:
            table.add_row(f"{counts[one]:,}", one.meaning)
    return table


def _print_document(destination: str, found: Iterator[Kept]) -> None:
    click.echo(f'{{"destination": {json.dumps(destination)}, "pictures": [', nl=False)
    separator = "\n "
    for one in found:
        document = {**asdict(one), "uploaded_at": one.uploaded_at.isoformat()}
        click.echo(separator + json.dumps(document), nl=False)
        separator = ",\n "
    click.echo("\n]}")


def _say(sentence: str) -> None:
    out.print(printable(sentence), markup=False, soft_wrap=True)
