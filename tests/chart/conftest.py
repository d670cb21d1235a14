"""Helm for the tests of the chart: the one that the test cluster is built with."""

import shutil
from pathlib import Path

import pytest

from tests.chart.rendering import VALUE_SETS, Rendering, rendering
from tests.e2e.clusters import HACK, PATH, run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave whichever test comes first the time to build helm with the cluster's programs."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(2400))


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Helm is on PATH, or built with the cluster's programs: about ten minutes, once."""
    if shutil.which("helm", path=PATH) is None:
        run(HACK / "build")


@pytest.fixture(params=VALUE_SETS)
def each(request: pytest.FixtureRequest) -> Rendering:
    """The objects of a release, for each set of values."""
    return rendering(request.param)
