"""Connect to the detector that a spec wants, and to no other."""

from collections.abc import Iterator
from contextlib import contextmanager

from baas_crds.blurjob import Detector
from baas_crds.errors import ConfigurationError
from baas_preprocess.detect import TritonDetector


@contextmanager
def connected(
    wanted: Detector, address: str, *, version: object, uses_tls: bool, patience_seconds: float, title: str
) -> Iterator[TritonDetector]:
    """Give a spec's model at `host:port`, its newest ready version when `version` is None.

    `title` is the key under which the spec stands. Raises as `TritonDetector`, and `ConfigurationError` when the model
    is another than the spec's digest demands.
    """
    with TritonDetector(
        address,
        name=wanted.model,
        version=None if version is None else str(version),
        uses_tls=uses_tls,
        patience_seconds=patience_seconds,
    ) as detector:
        if wanted.model_digest not in {None, detector.model.digest}:
            raise ConfigurationError(
                f"Triton at {address} serves {wanted.model} version {detector.model.version} with digest "
                f"{detector.model.digest}, but {title}.modelDigest demands {wanted.model_digest}."
            )
        yield detector
