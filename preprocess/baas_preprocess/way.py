"""One panorama's way from its bytes to the bytes of a safe file. Read it top to bottom.

Nothing here knows where the bytes come from or go to: `work.py` fetches before, and publishes and records after.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from baas_preprocess.decode import decode
from baas_preprocess.detect import Detector, detections
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Detection, Digest, Inspection, Mask, Pixels, Region
from baas_preprocess.inspection import inspect
from baas_preprocess.mask import mask
from baas_preprocess.merge import merge
from baas_preprocess.recipe import Recipe
from baas_preprocess.redact import redact
from baas_preprocess.scrub import scrub
from baas_preprocess.tile import cut, tiles
from baas_preprocess.upright import stored_box, upright
from baas_preprocess.verify import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Safe:
    """A finished file that passed every check, and what is to be recorded about it."""

    data: bytes
    inspection: Inspection
    regions: tuple[Region, ...]
    mask: Mask
    input_digest: Digest
    output_digest: Digest
    seconds: dict[str, float]
    """Wall-clock seconds per step."""


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent per step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start


def make_safe(data: bytes, recipe: Recipe, detector: Detector) -> Safe:
    """Redact one picture. The same bytes, recipe and model give the same bytes.

    Raises `NotPublishable` when it cannot be made safe, `DependencyUnavailable` when the detector went away.
    """
    watch = Stopwatch()
    with watch.step("inspect"):
        inspection = inspect(data, max_pixels=recipe.max_pixels)
    with watch.step("decode"):
        pixels = decode(data, inspection)
    regions = find(pixels, inspection, recipe, detector, watch)
    del pixels
    with watch.step("mask"):
        redaction = mask(regions, inspection, padding=recipe.padding, cells=recipe.cells)
    with watch.step("redact"):
        redacted = redact(data, inspection, redaction, recipe.method)
    with watch.step("scrub"):
        finished = scrub(redacted.data, data, inspection)
    with watch.step("verify"):
        seen_again = inspect(finished, max_pixels=recipe.max_pixels)
        verify(finished, found=seen_again, source=inspection, mask=redaction, redacted=redacted)
    return Safe(
        data=finished,
        inspection=inspection,
        regions=tuple(regions),
        mask=redaction,
        input_digest=digest_of(data),
        output_digest=digest_of(finished),
        seconds=watch.seconds,
    )


def find(pixels: Pixels, inspection: Inspection, recipe: Recipe, detector: Detector, watch: Stopwatch) -> list[Region]:
    """Return the objects of a decoded picture that the recipe redacts, in the stored picture's pixels."""
    shown = upright(pixels, inspection.orientation)
    height_px, width_px = shown.shape[:2]
    # Only an upright panorama is joined across its seam: the others are looked at as flat photos.
    wraps = inspection.wraps and inspection.orientation == 1
    with watch.step("tile"):
        plan = tiles(width_px, height_px, wraps=wraps, is_sphere=wraps and inspection.is_sphere)
        views = [cut(shown, tile) for tile in plan]
    with watch.step("detect"):
        answers = detector.detect(views)
    with watch.step("merge"):
        found = [
            detection
            for tile, rows in zip(plan, answers, strict=True)
            for detection in detections(rows, tile, width_px, wraps=wraps)
            if is_wanted(detection, recipe)
        ]
        return [
            replace(region, box=stored_box(region.box, inspection.orientation, width_px, height_px))
            for region in merge(found, width_px, wraps=wraps)
        ]


def is_wanted(detection: Detection, recipe: Recipe) -> bool:
    """Whether the recipe redacts a detection of this class and score."""
    confidence = recipe.confidence.get(detection.object_class)
    return confidence is not None and detection.score >= confidence
