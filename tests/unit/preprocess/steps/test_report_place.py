"""A report of the step `inspect` replaces nothing that a run reads or writes."""

from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError
from baas_preprocess.steps.config import read_config
from baas_preprocess.steps.machine import check_here

from .written import written

INSPECTED = {"steps": {"inspect": True}}


@pytest.mark.parametrize("place", ["raw", "safe", "safe/2026"])
def test_a_report_among_pictures_is_refused(place: str, tmp_path: Path) -> None:
    config = read_config(written(tmp_path, **INSPECTED, inspect={"report": f"{place}/folders.json"}))
    with pytest.raises(ConfigurationError, match=rf"inspect.report {place}/folders.json lies in (source|output) "):
        check_here(config)


def test_a_report_beside_them_is_none_of_it(tmp_path: Path) -> None:
    check_here(read_config(written(tmp_path, **INSPECTED, inspect={"report": "folders.json"})))
