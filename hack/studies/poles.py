"""What do flat views around the poles find that nothing else does? A study of panoramas that are tilted.

    python -m hack.studies.poles panoramas/annotations-coco.json

Nobody labelled people near a pole, so panoramas are turned until people who were labelled at the horizon stand there:
by 60 degrees down along the meridian of their side, four times each. What is masked of the tilted picture is turned
back, and judged by the labels as they are. Counted are the objects that lie below the native tiles then.
"""

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt
from hack.studies.masks import masked_pixels
from hack.studies.plans import usual
from hack.studies.recall import recall
from rich.console import Console
from rich.progress import track
from rich.table import Table

from baas_crds.errors import BaasError
from baas_detector.accuracy import Precision
from baas_detector.card import CloserLook, Thresholds
from baas_detector.checks import Finder, offers_bf16, with_openvino
from baas_detector.contract import DetectedClass
from baas_detector.coverage import Verdict, verdicts
from baas_detector.evaluation import load_truth
from baas_detector.export import export
from baas_detector.truth import LabelledObject
from baas_detector.weights import default_weights
from baas_preprocess.decode import decode
from baas_preprocess.facts import Detection, Inspection, Pixels
from baas_preprocess.inspection import inspect
from baas_preprocess.mask import mask
from baas_preprocess.poles import FlatView, flat_views
from baas_preprocess.recipe import Recipe
from baas_preprocess.tile import BAND_DEGREES
from baas_preprocess.views import View, shown
from baas_preprocess.views import seen as answered
from baas_preprocess.way import is_absurd, is_wanted, joined

out = Console(width=120, highlight=False)
TILT_DEGREES = 60.0
SIDES = (0.0, 90.0, 180.0, 270.0)
# Farther from the meridian things are turned less than they stand.
NEAR_DEGREES = 40.0
PLANS: dict[str, list[FlatView]] = {
    "no flat views": [],
    "one at each pole": [FlatView(yaw=0, pitch=pitch, opening=100) for pitch in (-90, 90)],
    "four around each": flat_views(),
    "four of 1408 px": [FlatView(yaw=view.yaw, pitch=view.pitch, side_px=1408) for view in flat_views()],
    "three around each": [FlatView(yaw=yaw, pitch=pitch) for pitch in (-65, 65) for yaw in (0, 120, 240)],
}
Map = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


@dataclass(slots=True)
class Tally:
    """What one plan came to."""

    judged: list[Verdict] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)


def turned(width_px: int, height_px: int, side: float, tilt: float) -> Map:
    """Return where each pixel of a picture comes from that is tilted down by `tilt` degrees at the yaw `side`."""
    yaw = ((np.arange(width_px) + 0.5) / width_px * 360 - 180 - side)[None, :]
    pitch = (90 - (np.arange(height_px) + 0.5) / height_px * 180)[:, None]
    yaw, pitch, by = np.radians(yaw), np.radians(pitch), np.radians(tilt)
    ahead, right, up = np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)
    ahead, up = ahead * np.cos(by) - up * np.sin(by), ahead * np.sin(by) + up * np.cos(by)
    x = ((np.degrees(np.arctan2(right, ahead)) + side + 180) % 360) * width_px / 360 - 0.5
    y = (90 - np.degrees(np.arcsin(up.clip(-1, 1)))) * height_px / 180 - 0.5
    return x.astype(np.float32), y.clip(0, height_px - 1).astype(np.float32)


def is_counted(one: LabelledObject, seen: Inspection, side: float) -> bool:
    """Whether an object lies below the native tiles when its side is tilted."""
    yaw = (one.left + one.width / 2) / seen.width_px * 360 - 180
    pitch = 90 - (one.top + one.height / 2) / seen.height_px * 180
    return abs((yaw - side + 180) % 360 - 180) < NEAR_DEGREES and -90 < pitch - TILT_DEGREES < -BAND_DEGREES


def look(pixels: Pixels, seen: Inspection, plan: Sequence[View], find: Finder) -> list[Detection]:
    """Return what some views show the detector."""
    found: list[Detection] = []
    for view in plan:
        found += answered(find(shown(pixels, view)), view, seen.width_px, seen.height_px, wraps=True)
    return [one for one in found if is_wanted(one, Recipe()) and not is_absurd(one, seen)]


def study(truth: Path, names: Sequence[str]) -> Table:
    """Try all plans on all pictures beside a COCO file, tilted to each side."""
    precision = Precision.BF16 if offers_bf16() else Precision.F32
    find = with_openvino(export(default_weights(), Thresholds(closer_look=CloserLook())).onnx, precision)
    tallies: dict[str, Tally] = defaultdict(Tally)
    images = load_truth(truth).images
    for image in track(images, console=Console(stderr=True)):
        data = (truth.parent / image.name).read_bytes()
        seen = inspect(data, max_pixels=Recipe().max_pixels)
        pixels = decode(data, seen)
        for side in SIDES:
            counted = [one for one in image.objects if is_counted(one, seen, side)]
            there = turned(seen.width_px, seen.height_px, side, TILT_DEGREES)
            back = turned(seen.width_px, seen.height_px, side, -TILT_DEGREES)
            tilted = cv2.remap(pixels, *there, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP).astype(np.uint8)
            on_tiles = look(tilted, seen, usual(seen), find)
            for name in names:
                found = [*on_tiles, *look(tilted, seen, PLANS[name], find)]
                redaction = mask(joined(found, seen), seen, padding=Recipe().padding, cells=Recipe().cells)
                masked = cv2.remap(masked_pixels(redaction).astype(np.uint8), *back, cv2.INTER_NEAREST)
                tallies[name].judged += verdicts(masked.astype(bool), counted)
                tallies[name].shares.append(redaction.share)
    table = Table(
        "plan", "persons", "plates", "masked", title=f"{truth.parent.name}, tilted by {TILT_DEGREES:g} degrees"
    )
    for name in names:
        judged = tallies[name].judged
        table.add_row(
            name,
            recall(judged, lambda one: one.object_class is DetectedClass.PERSON),
            recall(judged, lambda one: one.object_class is not DetectedClass.PERSON),
            f"{np.mean(tallies[name].shares):.2%}",
        )
    return table


@click.command()
@click.argument("truth", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--plan", "names", multiple=True, type=click.Choice(list(PLANS)), help="Only these.")
def main(truth: Path, names: Sequence[str]) -> None:
    """Print a table for a COCO file of labelled panoramas."""
    try:
        out.print(study(truth, names or list(PLANS)))
    except BaasError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
