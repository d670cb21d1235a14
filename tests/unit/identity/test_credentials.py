"""Who signs in to Azure, by what is set up here. How tokens come is in tests/integration."""

import subprocess
import sys

import pytest
from azure.identity import DefaultAzureCredential, WorkloadIdentityCredential

from baas_identity.credentials import IdentityNotSetUp, azure_credential, entra_code


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {"FEDERATED_TOKEN_FILE": "/token", "CLIENT_ID": "me", "TENANT_ID": "here"}.items():
        monkeypatch.setenv(f"AZURE_{name}", value)
    return monkeypatch


def test_a_pod_signs_in_by_its_workload_identity_and_by_nothing_else(pod: pytest.MonkeyPatch) -> None:
    assert isinstance(azure_credential(), WorkloadIdentityCredential)


def test_elsewhere_whoever_is_at_hand_signs_in() -> None:
    assert isinstance(azure_credential(), DefaultAzureCredential)


def test_a_workload_identity_without_a_client_id_is_told_and_takes_one(pod: pytest.MonkeyPatch) -> None:
    pod.delenv("AZURE_CLIENT_ID")
    with pytest.raises(IdentityNotSetUp, match="lacks AZURE_CLIENT_ID or AZURE_TENANT_ID; its webhook sets them"):
        azure_credential()
    assert isinstance(azure_credential("another"), WorkloadIdentityCredential)


def test_without_the_library_a_person_is_told_which_to_install() -> None:
    program = (
        "import sys; sys.modules['azure.identity'] = None\n"
        "from baas_identity.credentials import IdentityNotSetUp, azure_credential\n"
        "try: azure_credential()\nexcept IdentityNotSetUp as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "signing in to Azure needs azure.identity: install azure-identity\n"


def test_a_ledger_without_azure_imports_nothing_of_it() -> None:
    program = "import sys; from baas_ledger.engine import open_ledger; print('azure.identity' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("said", "code"),
    [("AADSTS700213: No matching federated identity record found for 'x'", "AADSTS700213"), ("Identity not found", "")],
)
def test_of_a_refusal_only_the_code_is_told(said: str, code: str) -> None:
    assert entra_code(ValueError(said)) == code
