"""What tests of every room share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is not a fault of the code: no example is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


# Their first test builds Kubernetes and Helm where they are missing: about ten minutes on two cores.
BUILDING = (ROOT / "tests" / "chart", ROOT / "tests" / "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave whichever test comes first the time to build what it runs on."""
    for item in items:
        if any(map(item.path.is_relative_to, BUILDING)) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(2400))


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Real panoramas and odd files that lie beside the repository; never part of it."""
    folder = Path(os.environ.get("BAAS_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist: set BAAS_TEST_DATA to try the real pictures")
    return folder
