"""`baas-detector gate`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from baas_crds.codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baas_detector.gate.judging import Check

NOT_ALL_WELL = ExitCode.QUARANTINED
"""As for `baas`: the command finished, and not everything is as it should be."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("gate")
@click.argument("report_file", metavar="REPORT", type=_FILE)
@click.option("--policy", "policy_file", required=True, type=_FILE, metavar="FILE", help="What a model must do, YAML.")
@click.option(
    "--production",
    "production_file",
    type=_FILE,
    metavar="REPORT",
    help="The same of the model in production, best with the same truth. Needed for rules on regression.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def gate(report_file: Path, policy_file: Path, production_file: Path | None, as_json: bool) -> None:
    """Let a model pass, or fail it, by a policy.

    REPORT is what `evaluate --json` printed. Each limit of the policy is a line with what was wanted, what was found,
    and why it failed (docs/howto/evaluate.md). Groups of which nothing is known fail.

    \b
        baas-detector evaluate --truth truth.json --masks masks/ --json > candidate.json
        baas-detector gate --policy examples/gate-policy.yaml candidate.json --production production.json

    Exit codes: 0 it passes; 3 it fails; 2 the policy or a report cannot be used.
    """
    # Other commands do without scipy.
    from baas_detector.evaluation.results import load_report  # noqa: PLC0415
    from baas_detector.gate.judging import judge, verdict  # noqa: PLC0415
    from baas_detector.gate.policy import load_policy  # noqa: PLC0415

    policy = load_policy(policy_file)
    production = load_report(production_file) if production_file else None
    checks = judge(policy, load_report(report_file), production)
    passes = verdict(checks)
    if as_json:
        click.echo(json.dumps({"passes": passes, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        _show(checks, passes, Console())
    if not passes:
        raise click.exceptions.Exit(NOT_ALL_WELL)


def _show(checks: "Sequence[Check]", passes: bool, console: Console) -> None:
    table = Table(title_justify="left")
    for heading in ("", "rule", "wanted", "found", "reason"):
        table.add_column(heading)
    for check in checks:
        cells = (check.rule, check.wanted, check.found, check.reason)
        table.add_row("pass" if check.passed else "FAIL", *(escape(cell) for cell in cells))
    console.print(table)
    failed = sum(not check.passed for check in checks)
    console.print("The model passes." if passes else f"The model fails: {failed} of {len(checks)} limits are not met.")
