"""What a person may set for the endpoint itself (`BAAS_API_…`). How pictures are redacted is set as for `baas blur`."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from baas_crds.errors import ConfigurationError
from baas_telemetry.logs import Level

PREFIX = "BAAS_API_"


class ApiSettings(BaseSettings):
    """Every setting of `baas-api` that `baas blur` does not have."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """Port to listen on."""
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """Port where Prometheus finds `/metrics`, on all addresses. Unset: as `OTEL_METRICS_EXPORTER` says."""
    tokens: SecretStr | None = None
    """Tokens that clients may send, with spaces or commas between them."""
    tokens_file: Path | None = None
    """File of tokens, one a line; it is read at each request."""
    allow_anonymous: bool = False
    """Answer without a token. On loopback only, and only without tokens."""
    max_megabytes: Annotated[float, Field(gt=0, le=1000)] = 50
    """Largest picture, in megabytes (a million bytes)."""
    queue: Annotated[int, Field(ge=0, le=1000)] = 8
    """Requests that may wait while `BAAS_IN_FLIGHT` pictures are treated; more are told to come back."""
    time_limit_seconds: Annotated[float, Field(gt=0, le=3600)] = 120
    """How long a body may take to arrive, and after that how long the answer may take."""
    review_ledger: SecretStr | None = None
    """Serve the review page, too: URL of the ledger whose runs are looked at."""
    review_samples: str | None = None
    """Where their samples are: the folder, or `https://` address in Blob Storage, that holds a folder for each."""
    log_level: Level = "INFO"
    """Less important lines are not logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`."""

    @property
    def max_bytes(self) -> int:
        """Bytes of the largest picture."""
        return round(self.max_megabytes * 1e6)

    @model_validator(mode="after")
    def _has_all_of_the_review(self) -> Self:
        if (self.review_ledger is None) != (self.review_samples is None):
            raise ValueError(
                f"the review page needs {PREFIX}REVIEW_LEDGER and {PREFIX}REVIEW_SAMPLES: set both, or none of them"
            )
        return self

    @model_validator(mode="after")
    def _lets_in_only_who_may(self) -> Self:
        has_tokens = self.tokens is not None or self.tokens_file is not None
        if self.allow_anonymous and has_tokens:
            raise ValueError("tokens are set and anonymous clients are allowed: leave one of them out")
        if self.allow_anonymous and not _is_loopback(self.host):
            raise ValueError(f"anonymous clients are allowed on loopback only, and {self.host} is not: set tokens")
        if not (self.allow_anonymous or has_tokens):
            raise ValueError(
                f"there is no token: set {PREFIX}TOKENS_FILE or {PREFIX}TOKENS, or try it out on this machine with "
                "--allow-anonymous"
            )
        return self


def read_api_settings(given: Mapping[str, Any]) -> ApiSettings:
    """Join what was given on the command line with the environment.

    Raises `ConfigurationError` naming each wrong setting, but no value: it may be a token.
    """
    try:
        return ApiSettings(**given)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    sentences = []
    for problem in problems:
        sentence = f"{problem['msg'].removeprefix('Value error, ')}."
        name = f"{PREFIX}{str(problem['loc'][0]).upper()}: " if problem["loc"] else ""
        sentences.append(f"{name}{sentence}" if name else sentence[0].upper() + sentence[1:])
    raise ConfigurationError("\n".join(sentences))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
