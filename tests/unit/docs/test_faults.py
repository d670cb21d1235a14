"""Each fault of the earlier service that docs/architecture.md names is shown not to be here by tests that there are."""

import re

import pytest

from tests.blurjobs import ROOT

PAGE = ROOT / "docs" / "architecture.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("## What the earlier service did wrong")[2]
ROWS = [line.strip("|").split("|") for line in SECTION.splitlines() if line.startswith("| ")][1:]


def test_the_page_has_its_table() -> None:
    assert len(ROWS) >= 12


@pytest.mark.parametrize(("fault", "shown_by"), [(row[0].strip(), row[2]) for row in ROWS])
def test_each_fault_has_its_test(fault: str, shown_by: str) -> None:
    tests = re.findall(r"\[([^]]+)\]\(([^)]+)\)", shown_by)

    assert tests
    for name, path in tests:
        code = (PAGE.parent / path).read_text(encoding="utf-8")
        assert f"def test_{name.replace(' ', '_')}(" in code
