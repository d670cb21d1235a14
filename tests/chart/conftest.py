"""Helm for the tests of the chart: the one that the test cluster is built with."""

import shutil

import pytest

from tests.chart.rendering import VALUE_SETS, Rendering, rendering
from tests.e2e.clusters import HACK, PATH, run


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Helm is on PATH, or built with the cluster's programs: about ten minutes, once."""
    if shutil.which("helm", path=PATH) is None:
        run(HACK / "build")


@pytest.fixture(params=VALUE_SETS)
def each(request: pytest.FixtureRequest) -> Rendering:
    """The objects of a release, for each set of values."""
    return rendering(request.param)
