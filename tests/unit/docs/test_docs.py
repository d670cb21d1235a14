"""Pages cannot rot: what they link to, name or show is there, and what they must explain is explained."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from baas_api.settings import PREFIX as API_PREFIX
from baas_api.settings import ApiSettings
from baas_crds.blurjob import GROUP
from baas_crds.blurschedule import KIND as SCHEDULE_KIND
from baas_crds.codes import ExitCode, QuarantineReason
from baas_crds.crd import BLURJOBS, BLURSCHEDULES, custom_resource_definition
from baas_crds.reading import read_blurjob, read_schedule
from baas_ledger.engine import open_ledger, reading
from baas_operator.reasons import Reason, State
from baas_operator.schedules import ScheduleReason
from baas_operator.settings import PREFIX
from baas_operator.settings import Settings as OperatorSettings
from baas_preprocess.pod_settings import PodSettings
from baas_preprocess.settings import Settings as BlurSettings
from tests.blurjobs import ROOT

CHART = ROOT / "charts" / "blurring-as-a-service"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPERATIONS = ROOT / "docs" / "operations.md"
SCHEDULING = ROOT / "docs" / "howto" / "schedule.md"
ENVIRONMENT = ROOT / "docs" / "reference" / "environment.md"
SCHEMAS = [
    custom_resource_definition(of)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for of in (BLURJOBS, BLURSCHEDULES)
]
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@cache
def prose(page: Path) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    return [code for _, name, code in FENCE.findall(page.read_text(encoding="utf-8")) if name == language]


def words_in_code(page: Path) -> list[str]:
    """What stands in backticks within the text."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def anchors(page: Path) -> set[str]:
    """The ends of links to a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#{1,6} +(.+?) *$", prose(page), re.MULTILINE)
    shown = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles]
    return {
        "".join(letter for letter in title if letter.isalnum() or letter in " -_").replace(" ", "-") for title in shown
    }


def rows(page: Path) -> list[list[str]]:
    """The rows of all tables of a page, as their cells."""
    lines = re.findall(r"^ *\| (.*) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.split(r" *(?<!\\)\| *", line) for line in lines]


@every_page
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@every_page
def test_pages_are_reached_from_the_readme(page: Path) -> None:
    seen: set[Path] = set()
    left = {ROOT / "README.md"}
    while left:
        here = left.pop()
        seen.add(here)
        links = re.findall(r"\]\(([^)\s#:]+)[^)\s]*\)", prose(here))
        left |= {to for link in links if (to := (here.parent / link).resolve()).suffix == ".md" and to.exists()} - seen
    assert page in seen


def sections(page: Path) -> dict[str, str]:
    """What stands below each heading, up to the next one."""
    _, *parts = re.split(r"^#{1,6} +(.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("reason", ScheduleReason)
def test_each_reason_of_a_schedule_has_its_meaning_and_what_to_do(reason: ScheduleReason) -> None:
    found = [row for row in rows(SCHEDULING) if row[0] == f"`{reason}`"]
    assert any(len(row) == 3 and all(len(cell) > 4 for cell in row[1:]) for row in found)


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_its_meaning_and_what_to_do(reason: Reason) -> None:
    found = [row for row in rows(OPERATIONS) if row[0] == f"`{reason}`"]
    assert [row[1] for row in found] == [reason.meaning]
    assert len(found[0][2]) > 4


def test_reasons_stand_below_what_they_mean_for_the_run() -> None:
    titles = {
        State.WAITING: "Waiting",
        State.PAUSED: "Paused",
        State.MOVING: "Moving",
        State.COMPLETE: "Complete",
        State.FAILED: "Failed",
    }
    _, *parts = re.split(r"^\*\*(\w+)\*\*", sections(OPERATIONS)["Reasons"], flags=re.MULTILINE)
    told = {
        title: re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) for title, part in zip(*[iter(parts)] * 2, strict=True)
    }
    assert told == {title: [str(r) for r in Reason if r.state is state] for state, title in titles.items()}


def test_each_alert_of_the_chart_has_its_heading_with_meaning_and_action() -> None:
    rule = (CHART / "templates" / "prometheusrule.yaml").read_text(encoding="utf-8")
    alerts = re.findall(r"- alert: (\w+)", rule)
    below = sections(OPERATIONS)
    titles = list(below)
    start = titles.index("Alerts") + 1
    assert titles[start : start + len(alerts)] == alerts
    assert titles[start + len(alerts)] == "Pause and resume", "a heading without an alert"
    for alert in alerts:
        assert "**Means:** " in below[alert], alert
        assert "**Do:** " in below[alert], alert


def test_each_exit_code_of_a_pod_is_explained() -> None:
    told = {row[0] for row in rows(ENVIRONMENT)}
    of_people = {ExitCode.QUARANTINED, ExitCode.TAMPERED}
    assert {str(int(code)) for code in ExitCode if code not in of_people} <= told


def test_hints_about_quarantine_speak_of_reasons_that_there_are() -> None:
    hints = [row[0] for row in rows(OPERATIONS) if row[0].removeprefix("`").split("`")[0] in set(QuarantineReason)]
    assert len(hints) >= 5
    assert {word for hint in hints for word in re.findall(r"`(\w+)`", hint)} <= set(QuarantineReason)


def has_value(path: str) -> bool:
    """Whether values.yaml has a key of this path; below a value that is free in its keys, anything goes."""
    here: Any = VALUES
    for part in path.split("."):
        if not isinstance(here, dict) or (here and part not in here):
            return False
        here = here.get(part, {})
    return True


def value_paths(page: Path) -> Iterator[str]:
    """The paths of values that a page names in its text, and in `--set`."""
    for word in words_in_code(page):
        if re.fullmatch(r"[a-zA-Z]+(\.[a-zA-Z]+)+", word) and word.split(".")[0] in VALUES:
            yield word
    for code in blocks(page, "sh"):
        yield from re.findall(r"--set(?:-\w+)? +([\w.]+)=", code)


@every_page
def test_values_that_are_named_are_values_of_the_chart(page: Path) -> None:
    assert [path for path in value_paths(page) if not has_value(path)] == []


def documents(page: Path) -> list[Any]:
    """What the YAML blocks of a page say."""
    return [document for code in blocks(page, "yaml") for document in yaml.safe_load_all(code)]


def leaves(values: dict[str, Any], known: Any, path: str = "") -> Iterator[str]:
    """The paths of values, down to those that are free in their keys."""
    for key, value in values.items():
        below = known.get(key) if isinstance(known, dict) else None
        here = f"{path}.{key}" if path else key
        yield from leaves(value, below, here) if isinstance(value, dict) and below else (here,)


@every_page
def test_values_files_that_are_shown_have_values_of_the_chart(page: Path) -> None:
    files = [document for document in documents(page) if "apiVersion" not in document]
    assert [path for file in files for path in leaves(file, VALUES) if not has_value(path)] == []


@every_page
def test_blurjobs_that_are_shown_are_accepted(page: Path) -> None:
    for document in documents(page):
        if str(document.get("apiVersion", "")).startswith(GROUP):
            (read_schedule if document["kind"] == SCHEDULE_KIND else read_blurjob)(document)


def has_field(schema: dict[str, Any], path: str) -> bool:
    here = schema
    for part in path.replace("[]", "").split("."):
        here = here.get("items", here).get("properties", {}).get(part)
        if here is None:
            return False
    return True


@every_page
def test_fields_that_are_named_are_fields_of_a_blurjob_or_a_schedule(page: Path) -> None:
    paths = [word for word in words_in_code(page) if re.fullmatch(r"(spec|status)(\.[a-zA-Z]+(\[\])?)+", word)]
    assert [path for path in paths if not any(has_field(schema, path) for schema in SCHEMAS)] == []


@every_page
def test_variables_that_are_named_are_read_by_somebody(page: Path) -> None:
    named = set(re.findall(r"\bBAAS_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
    ours = {
        f"{prefix}{name.upper()}"
        for prefix, model in (
            ("BAAS_", PodSettings),
            ("BAAS_", BlurSettings),
            (PREFIX, OperatorSettings),
            (API_PREFIX, ApiSettings),
        )
        for name in model.model_fields
    }
    elsewhere = (
        "hack/cluster/settings.sh",
        "preprocess/baas_preprocess/cli/earlier_command.py",
        "preprocess/baas_preprocess/cli/ledger_command.py",
        "preprocess/baas_preprocess/cli/pod_last_words.py",
    )
    ours |= {
        name for file in elsewhere for name in re.findall(r"\bBAAS_\w+", (ROOT / file).read_text(encoding="utf-8"))
    }
    assert named - ours == set()


@every_page
def test_make_targets_that_are_named_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    code = "\n".join([*words_in_code(page), *blocks(page, "sh"), *blocks(page, "console")])
    named = set(re.findall(r"^(?:# )?make ([a-z0-9-]+)", code, re.MULTILINE))
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


@every_page
def test_queries_that_are_shown_fit_the_ledger(page: Path, tmp_path: Path) -> None:
    engine = open_ledger(str(tmp_path / "ledger.db"))
    with reading(engine) as connection:
        for query in blocks(page, "sql"):
            assert connection.execute(text(query)).keys()
    engine.dispose()
