"""Application Insights that takes no key: a process signs in as who it is, by the token that its pod is given."""

import subprocess
from pathlib import Path

import pytest

from tests.collectors import collector
from tests.identities import make_certificate, token_service, workload_identity

from .test_setup import run

VARIABLE = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
SIGNS_IN = {VARIABLE: "Authorization=AAD"}
NOWHERE = {"APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={'0' * 8}-0000-0000-0000-{'0' * 12}"}


def test_what_a_pod_tells_comes_with_the_token_of_its_workload_identity(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with token_service(certificate) as entra, collector(certificate=certificate) as collected:
        connection = {"APPLICATIONINSIGHTS_CONNECTION_STRING": collected.connection_string}
        lines = run(**connection, **SIGNS_IN, **workload_identity(entra, certificate[0], tmp_path))
    assert collected.tokens
    assert collected.tokens <= set(entra.given)
    assert {one["data"]["baseType"] for one in collected.envelopes} >= {"RemoteDependencyData", "MessageData"}
    assert not any(token.split(".")[1] in str(lines) for token in entra.given)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({VARIABLE: "Authorization=AAD;ClientId="}, "is neither Authorization=AAD nor Authorizati"),
        ({VARIABLE: "InstrumentationKey=s3cret"}, "is neither Authorization=AAD nor Authorization"),
        ({**SIGNS_IN, "AZURE_FEDERATED_TOKEN_FILE": "/token"}, "is set, but the workload identity lacks AZURE_CLIENT_"),
    ],
    ids=["no client id", "something else", "an identity that is set up by half"],
)
def test_a_way_to_sign_in_that_is_none_is_told(variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(**NOWHERE, **variables)
    last = caught.value.stderr.splitlines()[-1]
    assert f"WrongExporter: {VARIABLE} {sentence}" in last
    assert "s3cret" not in last
