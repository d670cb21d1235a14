"""The only part of training that speaks to Azure ML: submit a job, register a model. Needs the extra `azure_ml`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_detector.training.files import read_json
from baas_identity.credentials import IdentityNotSetUp, azure_credential

_WORKSPACE = ("subscription_id", "resource_group", "workspace_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where in Azure: the content of config.json, as the portal offers it for download."""

    subscription_id: str
    resource_group: str
    workspace_name: str


def read_workspace(path: Path) -> Workspace:
    """Read config.json. Raises `ConfigurationError` that names what is missing."""
    if not path.is_file():
        raise ConfigurationError(f"{path} is missing: download the workspace's config.json from the Azure portal")
    document = read_json(path)
    missing = [key for key in _WORKSPACE if not isinstance(document, dict) or not document.get(key)]
    if missing:
        raise ConfigurationError(f"{path} has no {' and no '.join(missing)}: download it from the Azure portal again")
    return Workspace(**{key: str(document[key]) for key in _WORKSPACE})


def load_job(path: Path) -> Any:
    """Read and check a job's YAML. Raises `ConfigurationError` for what Azure ML does not take."""
    if not path.is_file():
        raise ConfigurationError(f"{path} is missing: examples/azureml/train-job.yml is one to begin with")
    with _installed():
        from azure.ai.ml import load_job as read  # noqa: PLC0415

    try:
        return read(path)
    except Exception as error:  # marshmallow's, YAML's and the library's own errors have no common base
        raise ConfigurationError(f"{path} is no job that Azure ML takes: {' '.join(str(error).split())}") from error


def submit(job: Any, workspace: Workspace) -> str:
    """Submit a job and return the address of its page."""
    with _installed(), _answers(workspace):
        return str(_client(workspace).jobs.create_or_update(job).studio_url)


def register(folder: Path, name: str, *, tags: dict[str, str], workspace: Workspace) -> int:
    """Upload a folder as the next version of a model, and return the number that Azure ML gave it."""
    with _installed(), _answers(workspace):
        from azure.ai.ml.entities import Model  # noqa: PLC0415

        model = Model(name=name, path=str(folder), type="custom_model", tags=tags)
        return int(_client(workspace).models.create_or_update(model).version)


def _client(workspace: Workspace) -> Any:
    from azure.ai.ml import MLClient  # noqa: PLC0415

    return MLClient(
        azure_credential(),
        workspace.subscription_id,
        workspace.resource_group,
        workspace.workspace_name,
        enable_telemetry=False,
    )


@contextmanager
def _installed() -> Iterator[None]:
    # The client counts its uses and tells them unless it is told not to.
    os.environ.setdefault("AZURE_CORE_COLLECT_TELEMETRY", "false")
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"Azure ML needs {error.name}: install the extra `azure_ml`") from error


@contextmanager
def _answers(workspace: Workspace) -> Iterator[None]:
    from azure.core.exceptions import (  # noqa: PLC0415
        ClientAuthenticationError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    where = f"The workspace {workspace.workspace_name}"
    try:
        yield
    except IdentityNotSetUp as error:
        raise ConfigurationError(f"{where}: {error}") from error
    except ClientAuthenticationError as error:
        raise ConfigurationError(f"{where} does not know us: `az login`, or use a workload identity") from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise DependencyUnavailable(f"{where} does not answer: {error.message.splitlines()[0]}") from error
    except HttpResponseError as error:
        kind = DependencyUnavailable if (error.status_code or 500) >= 500 else ConfigurationError
        raise kind(f"{where} refused: {(error.message or str(error)).splitlines()[0]}") from error
