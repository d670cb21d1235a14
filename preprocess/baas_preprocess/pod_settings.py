"""What a pod is told by its environment (`BAAS_…`). What is to be done stands in the mounted BlurJob."""

import socket
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from baas_crds.errors import ConfigurationError
from baas_preprocess.job import LEASE
from baas_telemetry.logs import Level


def _variable(field: str) -> str:
    return f"BAAS_{field.upper()}"


class PodSettings(BaseSettings):
    """Every setting of `baas plan` and `baas work`. The operator sets those without a default."""

    model_config = SettingsConfigDict(
        # In exactly this spelling: a BlurJob may set `baas_triton`, and must not choose where its pictures go.
        alias_generator=_variable,
        case_sensitive=True,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    ledger: SecretStr
    """Database URL, `postgresql://user:password@host/database` or `…?auth=entra`. `baas ledger upgrade` prepares it."""
    triton: str
    """Triton's gRPC address, `grpc://host:port`, `grpcs://host:port` with TLS. The operator chooses it."""
    job_file: Path = Path("/etc/baas/blurjob.json")
    """The BlurJob with its name, namespace and uid, as JSON."""
    pod_name: str = Field(default_factory=socket.gethostname)
    """What this worker is called in the ledger. Unset: the host's name."""
    source_connection_string: SecretStr | None = None
    """Connection string of the source's storage account. Unset: workload identity."""
    output_connection_string: SecretStr | None = None
    """Connection string of the output's storage account. Unset: workload identity."""
    quality_check_connection_string: SecretStr | None = None
    """Connection string of the account for pictures to look at. Unset: workload identity."""
    retraining_sample_connection_string: SecretStr | None = None
    """Connection string of the account for originals to label. Unset: workload identity."""
    source_folder: Path = Path("/data/source")
    """Where the source's volume is mounted, at its `path`."""
    output_folder: Path = Path("/data/output")
    """Where the output's volume is mounted, at its `path`."""
    quality_check_folder: Path = Path("/data/quality-check")
    """Where the volume for pictures to look at is mounted, at its `path`."""
    retraining_sample_folder: Path = Path("/data/retraining-sample")
    """Where the volume for originals to label is mounted, at its `path`."""
    exclude_folder: Path = Path("/etc/baas/exclude")
    """Where the exclude list's ConfigMap is mounted."""
    audit_key: Path | None = None
    """File with the Ed25519 key (PEM) that signs audit records. Unset: they are not signed."""
    traced_percent: Annotated[float, Field(ge=0, le=100)] = 1
    """Of so many images in a hundred spans are told when all goes well; of those that failed always."""
    log_level: Level = "INFO"
    """Less important lines are not logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`."""
    lease_seconds: Annotated[float, Field(ge=1, le=3600)] = LEASE.total_seconds()
    """How long the images of a pod that was killed stay with it. Pods that live renew their leases."""
    patience_seconds: Annotated[float, Field(ge=0, le=3600)] = 60
    """How long Triton, database or store are tried again before the pod ends with exit code 4."""


def read_pod_settings() -> PodSettings:
    """Read the environment. Raises `ConfigurationError` naming each wrong variable, but no value: it may be secret."""
    try:
        return PodSettings.model_validate({})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    sentences = []
    for problem in problems:
        variable = str(problem["loc"][0])
        if problem["type"] == "missing":
            field = next(field for name, field in PodSettings.model_fields.items() if _variable(name) == variable)
            sentences.append(f"{variable} is not set: {field.description}")
        else:
            sentences.append(f"{variable}: {problem['msg']}.")
    raise ConfigurationError("\n".join(sentences))
