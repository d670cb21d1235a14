"""What an audit record says beside the fate itself: whose trace it belongs to, and which software it was."""

import re

import pytest

from baas_preprocess.outcomes import trace_id
from baas_preprocess.software import software

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("variable", "trace"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (None, None),
        ("", None),
        (f"00-{TRACE}-00f067aa0ba902b7", None),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7-01\n", None),
    ],
)
def test_the_trace_is_the_one_that_the_environment_names(variable: str | None, trace: str | None) -> None:
    assert trace_id({} if variable is None else {"TRACEPARENT": variable}) == trace


def test_the_software_is_told_by_version_code_and_libraries() -> None:
    told = software()
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", str(told["code"]))
    assert told["libraries"].keys() >= {"numpy", "opencv-python-headless", "pillow"}  # type: ignore[attr-defined]
    assert software() == told
