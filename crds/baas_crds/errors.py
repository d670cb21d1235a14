"""The tree of errors that carry a sentence for a person.

BaasError
  ConfigurationError      somebody must change a setting; waiting does not help
  DependencyUnavailable   a service or a disk went away; waiting helps
  NotPublishable          one image cannot be made safe; the others go on
"""

from typing import ClassVar

from baas_crds.codes import ExitCode, QuarantineReason


class BaasError(Exception):
    """Base of all errors whose text is a sentence for a person."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG


class ConfigurationError(BaasError):
    """A setting, a path or a field that no retry can repair."""

    exit_code = ExitCode.CONFIGURATION


class DependencyUnavailable(BaasError):
    """A service (Triton, database, store, disk) did not answer in time, after the retries."""

    exit_code = ExitCode.UNREACHABLE


class NotPublishable(BaasError):
    """One image that cannot be made safe. Raise it; an empty result would publish the image."""

    exit_code = ExitCode.QUARANTINED

    def __init__(self, reason: QuarantineReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
