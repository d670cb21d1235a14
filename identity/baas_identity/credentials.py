"""Chooses the identity that signs in to Azure: for storage, the ledger's database, telemetry and Azure ML alike."""

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

FEDERATED_TOKEN_FILE = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 - the name of a variable
"""Set by the webhook of AKS's workload identity; the file holds the token of the pod's ServiceAccount."""


class IdentityNotSetUp(ValueError):
    """Nobody can sign in here before somebody sets something up; the message is a sentence that says what."""


def azure_credential(client_id: str | None = None) -> "TokenCredential":
    """Return the identity of this process; `client_id` picks one of several managed identities. Nothing is sent yet.

    A pod's workload identity, where it is set up, and nothing else. Elsewhere the first that answers of
    azure-identity's default chain: a service principal's variables, the machine's managed identity, a person's login
    (`az login`, `azd auth login`, Azure PowerShell, Visual Studio Code). `AZURE_CLIENT_ID` counts where no `client_id`
    is given, and `AZURE_TOKEN_CREDENTIALS` shortens the chain.
    """
    try:
        from azure.identity import DefaultAzureCredential, WorkloadIdentityCredential  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise IdentityNotSetUp(f"signing in to Azure needs {error.name}: install azure-identity") from error
    if FEDERATED_TOKEN_FILE not in os.environ:
        return DefaultAzureCredential(**({} if client_id is None else {"managed_identity_client_id": client_id}))
    # Where it is set up, it is meant. Alone it also tells an outage from a refusal, which the chain of all does not.
    try:
        return WorkloadIdentityCredential(client_id=client_id)
    except ValueError as error:
        raise IdentityNotSetUp(
            "the workload identity lacks AZURE_CLIENT_ID or AZURE_TENANT_ID; its webhook sets them for pods with the "
            "label azure.workload.identity/use"
        ) from error


def entra_code(error: BaseException) -> str:
    """Return Microsoft Entra's code for a refusal, such as `AADSTS700213`; empty when the error tells none.

    Its own words are long, and may name what is nobody's business; learn.microsoft.com/entra/identity-platform/
    reference-error-codes explains the codes.
    """
    said = re.search(r"AADSTS\d+", str(error))
    return said[0] if said else ""
