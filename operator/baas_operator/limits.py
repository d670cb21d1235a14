"""What an installation does not let BlurJobs say, though their definition does. Pure.

It is about where pictures may be sent, and about Secrets that pods need and BlurJobs do not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from baas_crds.blurjob import BlurJobSpec
from baas_crds.places import SecretKey
from baas_crds.pods import KeyReference
from baas_operator.places import places_of

ALLOWED_ENV = (
    # Of a proxy to storage: gRPC reads lower-case names only, and TLS goes through it unread.
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PROXY_*",
    # What a run is called elsewhere.
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "TZ",
)
"""Names of variables that a BlurJob may set. A program's libraries read many more, by which pictures, tokens and the
ledger's password go elsewhere, or other code runs: libpq's PG…, AZURE_AUTHORITY_HOST, SSL_CERT_FILE, PYTHONPATH and so
on."""

_REFERENCE = re.compile(r"\$\(([^)]*)\)")
"""What Kubernetes replaces in a variable's value by another variable's: `$(NAME)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the chart says of BlurJobs."""

    triton_url: str
    """The installation's own Triton, which is always allowed."""
    allowed_triton_urls: tuple[str, ...] = ()
    """Further ones, as BlurJobs name them; a host that begins with `*.` stands for all names below it."""
    own_secrets: tuple[SecretKey, ...] = ()
    """The ledger's URL, the key that signs audit records, the webhook's address and token, the key to Triton's models,
    credentials of telemetry: of these BlurJobs make no variable, which could lead a program to tell them to others."""

    def refusal(self, spec: BlurJobSpec) -> str:
        """Say which field goes too far, and what to do; empty when none does."""
        return self._of_triton(spec.detector.triton_url) or self._of_env(spec) or self._of_secrets(spec)

    def _of_triton(self, url: str | None) -> str:
        allowed = (self.triton_url, *self.allowed_triton_urls)
        if url is None or any(fnmatchcase(url, pattern) for pattern in allowed):
            return ""
        return (
            f"spec.detector.tritonUrl is {url}, but this installation sends pictures to {', '.join(allowed)} only. "
            "Apply a new BlurJob without that field or with one of these, or have yours added to the chart's "
            "operator.allowedTritonUrls before."
        )

    @staticmethod
    def _of_env(spec: BlurJobSpec) -> str:
        variables = spec.pod_template.env or ()
        own = {variable.name for variable in variables}
        for variable in variables:
            if not may_set(variable.name):
                return (
                    f"spec.podTemplate.env sets {variable.name}, but a BlurJob may set {', '.join(ALLOWED_ENV)} only: "
                    "others could lead pictures, tokens or passwords elsewhere. Apply a new BlurJob without it, or "
                    "have it added to the chart's worker.extraEnv."
                )
            foreign = next((name for name in _REFERENCE.findall(variable.value or "") if name not in own), None)
            if foreign is not None:
                return (
                    f"spec.podTemplate.env makes {variable.name} of $({foreign}), which the BlurJob does not set. "
                    "Apply a new BlurJob that sets both, the other one first."
                )
        return ""

    def _of_secrets(self, spec: BlurJobSpec) -> str:
        own = {(secret.name, secret.key) for secret in self.own_secrets}
        for field, wanted in _secrets(spec):
            if (wanted.name, wanted.key) in own:
                return (
                    f"{field} names {wanted.key} of the Secret {wanted.name}, which is the installation's own. Apply "
                    "a new BlurJob without it, or with a Secret of yours."
                )
        return ""


def may_set(name: str) -> bool:
    """Return whether a BlurJob may set a variable of this name."""
    return any(fnmatchcase(name, allowed) for allowed in ALLOWED_ENV)


def _secrets(spec: BlurJobSpec) -> Iterator[tuple[str, SecretKey | KeyReference]]:
    """Give each value of a Secret that becomes a variable of the pods, with its field."""
    for place in places_of(spec):
        if place.azure_blob and (secret := place.azure_blob.connection_string_secret):
            yield f"{place.field}.azureBlob.connectionStringSecret", secret
    for variable in spec.pod_template.env or ():
        if variable.value_from and variable.value_from.secret_key_ref:
            yield f"spec.podTemplate.env[{variable.name}]", variable.value_from.secret_key_ref
