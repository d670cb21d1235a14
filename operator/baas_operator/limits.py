"""What an installation does not let BlurJobs say, though their definition does. Pure.

It is about where pictures may be sent, and about Secrets that pods need and BlurJobs do not.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from baas_crds.blurjob import BlurJobSpec
from baas_crds.places import SecretKey

DIVERTING_ENV = (
    # gRPC sends requests through such a proxy, and reads no other spelling.
    "grpc_proxy",
    "http_proxy",
    "https_proxy",
    "GRPC_",
    # Names are looked up elsewhere: resolv.conf(5), hostname(7).
    "HOSTALIASES",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    # Other code runs: ld.so(8), OpenSSL's and the C library's modules, Python's (PYTHONWARNINGS imports what it names).
    "GCONV_PATH",
    "LD_",
    "OPENSSL_",
    "PATH",
    "PYTHON",
)
"""Beginnings of names of variables by which pictures get past the Triton that a pod is told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the chart says of BlurJobs."""

    triton_url: str
    """The installation's own Triton, which is always allowed."""
    allowed_triton_urls: tuple[str, ...] = ()
    """Further ones, as BlurJobs name them; a host that begins with `*.` stands for all names below it."""
    own_secrets: tuple[SecretKey, ...] = ()
    """The ledger's URL and the key that signs audit records: of these BlurJobs make no variable, which could lead a
    program to tell them to others."""

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
        named = (variable.name for variable in spec.pod_template.env or ())
        name = next((name for name in named if name.startswith(DIVERTING_ENV)), None)
        if name is None:
            return ""
        return (
            f"spec.podTemplate.env sets {name}, which could lead pictures past the allowed Triton. Apply a new BlurJob "
            "without it (storage takes a proxy from HTTPS_PROXY), or have it added to the chart's worker.extraEnv."
        )

    def _of_secrets(self, spec: BlurJobSpec) -> str:
        own = {(secret.name, secret.key) for secret in self.own_secrets}
        for variable in spec.pod_template.env or ():
            wanted = variable.value_from.secret_key_ref if variable.value_from else None
            if wanted is not None and (wanted.name, wanted.key) in own:
                return (
                    f"spec.podTemplate.env sets {variable.name} to {wanted.key} of the Secret {wanted.name}, which is "
                    "the installation's own. Apply a new BlurJob without it, or with a Secret of yours."
                )
        return ""
