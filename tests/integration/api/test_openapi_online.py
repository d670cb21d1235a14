"""The endpoint holds what its own OpenAPI document says, whatever is sent."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from .endpoints import TOKEN, Endpoint


@pytest.fixture(scope="module")
def described(endpoint: Endpoint) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{endpoint.url}/openapi.json")


POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        # Without parameters nothing can be wrong.
        ("GET", "/healthz", POSITIVE),
        ("GET", "/readyz", POSITIVE),
        ("POST", "/blur/", POSITIVE),
        ("POST", "/blur/", NEGATIVE),
        ("POST", "/score", POSITIVE),
        ("POST", "/score", NEGATIVE),
    ],
)
def test_every_answer_is_one_that_is_described(
    described: schemathesis.BaseSchema, method: str, path: str, mode: schemathesis.GenerationMode
) -> None:
    operation = described[path][method]

    @settings(max_examples=40, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        # Hardly anything that is made up is a JPEG: right by the document, and refused all the same.
        case.call_and_validate(
            headers={"Authorization": f"Bearer {TOKEN}"}, excluded_checks=[positive_data_acceptance], timeout=60
        )

    check()
