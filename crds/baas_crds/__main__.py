"""`python -m baas_crds`: write what is generated from the models, or tell what is stale."""

import difflib
import sys
from pathlib import Path
from typing import Any

import click
import yaml

from baas_crds.codes import ExitCode
from baas_crds.crd import BLURJOBS, BLURSCHEDULES, Definition, custom_resource_definition
from baas_crds.errors import BaasError, ConfigurationError
from baas_crds.reference import Refusal, reference_page
from baas_crds.schedule_reference import schedule_page

CRD = Path("crds/blurjobs.yaml")
SCHEDULE_CRD = Path("crds/blurschedules.yaml")
PAGE = Path("docs/reference/blurjob.md")
SCHEDULE_PAGE = Path("docs/reference/blurschedule.md")
REFUSED = Path("crds/refused.yaml")
_HEADER = "# Generated from crds/baas_crds by `python -m baas_crds`. Change the models, not this file.\n"


class _Plain(yaml.SafeDumper):
    """YAML without anchors: right for machines either way, and people can read it."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def read_refusals(path: Path, kind: str) -> list[Refusal]:
    """Read what is refused when a BlurJob is `created` or `changed`, and which `schedules` are."""
    return [Refusal(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))[kind]]


def generated(root: Path) -> dict[Path, str]:
    """Return the right content of every generated file, by its path below `root`, the repository."""
    refused = root / REFUSED
    if not refused.is_file():
        raise ConfigurationError(f"{refused} does not exist: run this in the repository, or name it with --root.")
    return {
        CRD: _definition(BLURJOBS),
        SCHEDULE_CRD: _definition(BLURSCHEDULES),
        PAGE: reference_page(read_refusals(refused, "created"), read_refusals(refused, "changed")),
        SCHEDULE_PAGE: schedule_page(read_refusals(refused, "schedules")),
    }


def _definition(of: Definition) -> str:
    document = custom_resource_definition(of)
    return _HEADER + yaml.dump(document, Dumper=_Plain, sort_keys=False, width=116, allow_unicode=True)


def _stale(path: Path, wanted: str) -> str:
    """Return the difference between a file and its right content; empty when there is none."""
    found = path.read_text(encoding="utf-8") if path.is_file() else ""
    return "".join(
        difflib.unified_diff(
            found.splitlines(keepends=True), wanted.splitlines(keepends=True), f"{path} (found)", f"{path} (generated)"
        )
    )


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; show what is stale, and exit with 1 if anything is.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default=True,
    help="The repository.",
)
def main(check: bool, root: Path) -> None:
    """Write the definitions in crds/ and the pages of kinds in docs/reference/ from the models.

    python -m baas_crds --check
    """
    try:
        files = {root / path: text for path, text in generated(root).items()}
    except BaasError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    differences = [difference for path, text in files.items() if (difference := _stale(path, text))]
    if check and differences:
        click.echo("".join(differences), nl=False)
        click.echo("Stale: run `python -m baas_crds` and commit what it writes.", err=True)
        sys.exit(ExitCode.BUG)
    if not check:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
