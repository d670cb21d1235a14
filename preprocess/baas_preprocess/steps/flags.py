"""Which steps a file switches on, and which of them cannot be without the other. Pure."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from baas_crds.parts import Part, Switch


class Step(StrEnum):
    """The steps, in the order in which they run, as the file calls them."""

    RETRIEVE = "retrieve"
    INSPECT = "inspect"
    DETECT = "detect"
    REDACT = "redact"
    VERIFY = "verify"
    STORE_DETECTIONS = "storeDetections"
    QUALITY_CHECK = "qualityCheck"
    RETRAINING_SAMPLE = "retrainingSample"
    DELETE_SOURCE = "deleteSource"
    TRAIN = "train"
    EXPORT = "export"
    EVALUATE = "evaluate"


READING = (Step.RETRIEVE, Step.INSPECT, Step.REDACT)
"""What needs a source."""
TRAINING = (Step.TRAIN, Step.EXPORT, Step.EVALUATE)
"""What the program `baas-detector` does."""

_WITHOUT_REDACT = {
    Step.DETECT: "what is found goes into redacted pictures and their records only. To measure a detector alone, use "
    "steps.evaluate",
    Step.VERIFY: "only redacted pictures are looked at again",
    Step.STORE_DETECTIONS: "boxes are written beside redacted pictures",
    Step.QUALITY_CHECK: "people look at redacted pictures only",
    Step.RETRAINING_SAMPLE: "it is drawn by what was found in the pictures that were redacted",
    Step.DELETE_SOURCE: "an original is deleted only once its redacted picture was read back",
}


class Steps(Part):
    """Yes or no for each step; `detect` and `verify` follow `redact` when they are not named."""

    retrieve: Switch = False
    inspect: Switch = False
    detect: Switch | None = None
    redact: Switch = True
    verify: Switch | None = None
    store_detections: Switch = False
    quality_check: Switch = False
    retraining_sample: Switch = False
    delete_source: Switch = False
    train: Switch = False
    export: Switch = False
    evaluate: Switch = False

    @property
    def on(self) -> tuple[Step, ...]:
        """The steps that run, in their order."""
        said = {**self.as_document(), Step.DETECT: self._like_redact(self.detect)}
        said[Step.VERIFY] = self._like_redact(self.verify)
        return tuple(step for step in Step if said[step])

    def _like_redact(self, said: bool | None) -> bool:
        return self.redact if said is None else said


def contradictions(steps: Steps) -> Iterator[str]:
    """Give a sentence for each step that is switched on or off against another one."""
    on = steps.on
    if not on:
        yield "steps: none is switched on, so there is nothing to do: switch one on"
    if Step.REDACT in on and Step.DETECT not in on:
        yield (
            "steps.redact needs steps.detect: what nobody looked for is not redacted, and pictures would be published "
            "as they are. Switch both on, or both off"
        )
    if Step.REDACT not in on:
        yield from (f"steps.{step} needs steps.redact: {why}" for step, why in _WITHOUT_REDACT.items() if step in on)
    if Step.DELETE_SOURCE in on and Step.VERIFY not in on:
        yield "steps.deleteSource needs steps.verify: an original is deleted only after its output was looked at again"
    if Step.DELETE_SOURCE in on and Step.RETRIEVE in on:
        yield (
            "steps.deleteSource is not possible with steps.retrieve: only copies would be deleted, and retrieved again "
            "by the next run. Leave steps.retrieve out, so that pictures are read where they are"
        )


def missing(steps: Steps, document: Mapping[str, Any]) -> Iterator[str]:
    """Give a sentence for each section that a step needs and the file does not have."""
    on = steps.on
    if reader := next((step for step in READING if step in on), None):
        yield from _absent(document, "source", f"steps.{reader} reads pictures")
    for step, section, why in (
        (Step.REDACT, "output", "steps.redact publishes pictures"),
        (Step.RETRIEVE, "retrieve", "steps.retrieve copies pictures into retrieve.folder"),
        (Step.QUALITY_CHECK, "qualityCheck", "steps.qualityCheck draws qualityCheck.sampleSize pictures"),
        (Step.RETRAINING_SAMPLE, "retrainingSample", "steps.retrainingSample copies originals to its output"),
    ):
        if step in on:
            yield from _absent(document, section, why)
    if trainer := next((step for step in TRAINING if step in on), None):
        yield from _absent(document, "training", f"steps.{trainer} does what training.file says")


def said_twice(steps: Steps, document: Mapping[str, Any]) -> Iterator[str]:
    """Give a sentence for each key of a BlurJob's spec that a step says here."""
    output, verification = document.get("output"), document.get("verification")
    if isinstance(output, Mapping) and "writeDetections" in output:
        yield "output.writeDetections: steps.storeDetections says that here: remove it"
    if "retention" in document:
        yield "retention: steps.deleteSource says that here: remove it"
    if Step.VERIFY in steps.on and isinstance(verification, Mapping) and verification.get("mode") == "Off":
        yield "verification.mode is Off, and steps.verify is on: remove one of them"


def _absent(document: Mapping[str, Any], section: str, why: str) -> Iterator[str]:
    if document.get(section) is None:
        yield f"{section} is missing: {why}"
