"""Everything that decides the bytes of an output, beside the input and the model. Its digest stands in the ledger."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

from baas_crds.codes import ObjectClass
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest, Method, Profile, Verification
from baas_preprocess.share import is_among

# Raise it whenever the same input, model and settings would give other bytes.
PIPELINE_VERSION = 8
# Measured on labelled panoramas (docs/explanation/detection.md): lower ones mask more street and find nobody more.
DEFAULT_CONFIDENCE = MappingProxyType({ObjectClass.PERSON: 0.05, ObjectClass.LICENCE_PLATE: 0.05})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a panorama is made safe. Two runs with equal recipes, inputs and models give equal bytes."""

    confidence: Mapping[ObjectClass, float] = field(default_factory=lambda: dict(DEFAULT_CONFIDENCE))
    """The lowest score (0..1) at which a class is redacted; a class that is missing here is not redacted."""
    profile: Profile = Profile.DEFAULT
    """How closely the detector looks: what it is shown. Measured in docs/explanation/detection.md."""
    method: Method = Method.FILL
    """Measured by `baas-detector attack`: docs/privacy.md."""
    cells: int = 6
    """For pixelate and blur: at most this many cells along a box's long side, whatever its size."""
    padding: float = 0.1
    """Added on each side, as a share of the box's width and height."""
    max_pixels: int = 180_000_000
    """Pictures with more pixels are quarantined before they are decoded."""
    second_look_percent: int = 100
    """So many of the finished pictures are looked at again: 100 is every one, 0 is none."""

    @property
    def digest(self) -> Digest:
        """`sha256:…` of all of it, and of the pipeline's version."""
        text = json.dumps({**asdict(self), "pipeline": PIPELINE_VERSION}, sort_keys=True)
        return digest_of(text.encode())

    def looks_again_at(self, input_digest: Digest) -> bool:
        """Whether this picture gets the second look; the same answer in every run, so that the bytes are the same.

        Whatever is among 5 % is among 10 %, too.
        """
        return is_among(f"second look at {input_digest}", self.second_look_percent)


def second_look_percent(verification: Verification, sample_percent: int) -> int:
    """Return the one number that both settings come to."""
    return {Verification.REDETECT: 100, Verification.SAMPLE: sample_percent, Verification.OFF: 0}[verification]
