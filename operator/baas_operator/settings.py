"""What the operator is told, by environment variables that the chart sets."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from baas_crds.blurjob import Detector
from baas_crds.errors import ConfigurationError
from baas_crds.places import SecretKey
from baas_crds.pods import EnvVar, PodTemplate, Resources, Toleration
from baas_operator.limits import Limits, may_set
from baas_operator.pods import PodDefaults
from baas_telemetry.logs import Level

EVERYWHERE = "*"
PREFIX = "BAAS_OPERATOR_"


def _words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


def _tritons_url(url: str) -> str:
    Detector(triton_url=url)
    return url


def _tritons_pattern(pattern: str) -> str:
    _tritons_url(pattern.replace("://*.", "://", 1))
    return pattern


def _line(secret: SecretStr | None) -> SecretStr | None:
    # Files of which Secrets are made end with a line end.
    return None if secret is None else SecretStr(secret.get_secret_value().strip())


def _web_address(url: SecretStr | None) -> SecretStr | None:
    if url is None:
        return None
    if not url.get_secret_value().startswith(("https://", "http://")):
        raise ValueError("an address begins with https:// or http://")
    # Not by urlsplit, whose errors may hold the password.
    if "@" in re.split(r"[/?#]", url.get_secret_value().split("://", 1)[1], maxsplit=1)[0]:
        raise ValueError("an address has no user and password before its host (user:password@): give a token instead")
    return url


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]


class Settings(BaseSettings):
    """Every setting, as `BAAS_OPERATOR_…`. Lists and mappings are JSON, lists of names have commas."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, use_attribute_docstrings=True)

    ledger: Annotated[SecretStr, Field(validation_alias="BAAS_LEDGER")]
    """URL of the operator's own connection to the ledger."""
    own_namespace: Annotated[str, Field(validation_alias="POD_NAMESPACE")] = ""
    """Where the operator itself lives."""
    namespaces: Words = ()
    """Where BlurJobs are worked on. Empty: where the operator lives. `*`: everywhere."""
    triton_url: Annotated[str, AfterValidator(_tritons_url)]
    """Triton for BlurJobs that name none, such as `grpc://triton.models.svc:8001`."""
    allowed_triton_urls: Annotated[
        tuple[Annotated[str, AfterValidator(_tritons_pattern)], ...], NoDecode, BeforeValidator(_words)
    ] = ()
    """Further Tritons that BlurJobs may name. `grpc://*.models.svc:8001` stands for all hosts below models.svc."""
    ledger_url: str | None = None
    """The ledger's URL for the pods, one without a password: they sign in as who they are. Else it is in a Secret."""
    ledger_secret_name: str | None = None
    """Secret with the ledger's URL, in each namespace with BlurJobs; for the pods."""
    ledger_secret_key: str = "url"  # noqa: S105 - the name of a key, not a key
    """The key within it."""
    audit_secret_name: str | None = None
    """Secret with the private key that signs audit records, in each namespace with BlurJobs; for the pods."""
    audit_secret_key: str = "audit.pem"  # noqa: S105 - the name of a key, not a key
    """The key within it."""
    own_secrets: tuple[SecretKey, ...] = ()
    """Values of further Secrets that operator or Triton need and no BlurJob may name: the webhook's, the models'."""
    status_interval_seconds: Annotated[float, Field(gt=0)] = 5
    """Counts in a status are renewed at most this often. A change of state is told at once."""
    health_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """`/healthz`, for the liveness probe."""
    metrics_port: Annotated[int, Field(ge=1, le=65535)] = 8081
    """`/metrics`, for Prometheus."""
    log_level: Level = "INFO"
    """Less important lines are not logged."""
    webhook_url: Annotated[SecretStr | None, AfterValidator(_line), AfterValidator(_web_address)] = None
    """Where notices of BlurJobs go, `https://…` or `http://…`. It may hold a password, hence the secrecy."""
    webhook_token: Annotated[SecretStr | None, AfterValidator(_line)] = None
    """Sent to it as `Authorization: Bearer …`."""

    worker_image: str
    """Image of the pods that plan and work."""
    worker_image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When it is pulled."""
    image_pull_secrets: Words = ()
    """Secrets with the registry's password, in each namespace with BlurJobs."""
    worker_service_account: str = "default"
    """ServiceAccount of the pods, which carries their workload identity."""
    worker_priority_class: str | None = None
    """PriorityClass of the pods."""
    worker_resources: Resources | None = None
    """Computing resources of the pods."""
    worker_node_selector: Mapping[str, str] | None = None
    """Labels that a node must have."""
    worker_tolerations: tuple[Toleration, ...] | None = None
    """Taints that the pods tolerate."""
    worker_affinity: Mapping[str, Any] | None = None
    """As in a pod."""
    worker_env: tuple[EnvVar, ...] | None = None
    """Further environment variables of the pods, such as those of telemetry."""
    worker_pod_labels: Mapping[str, str] | None = None
    """Further labels of the pods."""
    worker_pod_annotations: Mapping[str, str] | None = None
    """Further annotations of the pods."""
    worker_log_level: Level | None = None
    """Less important lines of the pods are not logged. Unset: the workers' own default."""
    worker_traced_percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """Share of images whose spans are told when all goes well. Unset: the workers' own default."""
    worker_metrics_port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """Where Prometheus finds the pods' metrics. Unset: it does not look."""

    @model_validator(mode="after")
    def _knows_the_pods_ledger(self) -> Self:
        if (self.ledger_url is None) == (self.ledger_secret_name is None):
            raise ValueError("set either BAAS_OPERATOR_LEDGER_URL or BAAS_OPERATOR_LEDGER_SECRET_NAME")
        return self

    @property
    def watches_everywhere(self) -> bool:
        """Whether BlurJobs of all namespaces are worked on."""
        return self.namespaces == (EVERYWHERE,)

    @property
    def watched_namespaces(self) -> tuple[str, ...]:
        """The namespaces by name; empty when it is all of them."""
        return () if self.watches_everywhere else self.namespaces or (self.own_namespace,)

    @property
    def _ledger_secret(self) -> SecretKey | None:
        name = self.ledger_secret_name
        return None if name is None else SecretKey(name=name, key=self.ledger_secret_key)

    def limits(self) -> Limits:
        """Return what BlurJobs may say."""
        defaults = self.pod_defaults()
        secrets = (self._ledger_secret, defaults.audit_secret, *self.own_secrets, *_secrets(defaults.template))
        return Limits(
            triton_url=self.triton_url,
            allowed_triton_urls=self.allowed_triton_urls,
            own_secrets=tuple(secret for secret in secrets if secret),
        )

    def pod_defaults(self) -> PodDefaults:
        """Return what all pods have in common."""
        return PodDefaults(
            image=self.worker_image,
            image_pull_policy=self.worker_image_pull_policy,
            image_pull_secrets=self.image_pull_secrets,
            detector=Detector(triton_url=self.triton_url),
            ledger=self._ledger_secret or self.ledger_url or "",
            audit_secret=SecretKey(name=self.audit_secret_name, key=self.audit_secret_key)
            if self.audit_secret_name
            else None,
            log_level=self.worker_log_level,
            traced_percent=self.worker_traced_percent,
            metrics_port=self.worker_metrics_port,
            template=PodTemplate(
                resources=self.worker_resources,
                node_selector=self.worker_node_selector,
                tolerations=self.worker_tolerations,
                affinity=self.worker_affinity,
                priority_class_name=self.worker_priority_class,
                service_account_name=self.worker_service_account,
                env=self.worker_env,
                labels=self.worker_pod_labels,
                annotations=self.worker_pod_annotations,
            ),
        )


def _secrets(template: PodTemplate) -> Iterator[SecretKey]:
    """Give the Secrets of which the chart makes variables that a BlurJob could not set: credentials of telemetry."""
    for variable in template.env or ():
        wanted = variable.value_from.secret_key_ref if variable.value_from else None
        if wanted is not None and not may_set(variable.name):
            yield SecretKey(name=wanted.name, key=wanted.key)


def read_settings() -> Settings:
    """Return the settings of this process. Raises `ConfigurationError` with a sentence for each problem, one a line."""
    try:
        settings = Settings()  # type: ignore[call-arg]  # the environment gives them
        settings.pod_defaults()
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise ConfigurationError("\n".join(f"{_variable(p['loc'])}: {p['msg']}" for p in problems)) from None
    if EVERYWHERE in settings.namespaces and not settings.watches_everywhere:
        raise ConfigurationError(f'{PREFIX}NAMESPACES is either "*" or a list of names, not both.')
    if not settings.watches_everywhere and "" in settings.watched_namespaces:
        raise ConfigurationError(f"{PREFIX}NAMESPACES is empty, and so is POD_NAMESPACE: set one of them.")
    return settings


def _variable(place: tuple[int | str, ...]) -> str:
    """Return the environment variable that a problem is about, with the place within it."""
    if not place:
        return "The operator's environment"
    first, *further = map(str, place)
    name = first if first.isupper() else f"{PREFIX}{first.upper()}"
    return ".".join((name, *further))
