"""Which plan finds whom, and what does it cost? A study of tile plans, the closer look and confidences.

    python -m hack.studies.recall panoramas/annotations-coco.json [photos/annotations-coco.json ...]

Each plan shows the detector other tiles of the same labelled pictures. What it finds is joined and masked as by `baas
blur` without its second look, and judged as by `baas-detector evaluate`. All runs in this process with OpenVINO; costs
are CPU seconds of the detector compared with those of the plain plan, so that a busy machine does not change them.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np
from hack.studies.masks import FOUND, masked_pixels
from hack.studies.plans import DEFAULT, PLANS, Confidences, Plan
from hack.studies.sizes import BySize, told
from rich.console import Console
from rich.progress import track
from rich.table import Table

from baas_crds.codes import ObjectClass
from baas_crds.errors import BaasError
from baas_detector.accuracy import Precision
from baas_detector.card import Thresholds
from baas_detector.checks import Finder, offers_bf16, with_openvino
from baas_detector.contract import DetectedClass
from baas_detector.coverage import Verdict, verdicts
from baas_detector.evaluation import load_truth
from baas_detector.export import export
from baas_detector.truth import LabelledImage, LabelledObject
from baas_detector.weights import default_weights
from baas_preprocess.decode import decode
from baas_preprocess.facts import Detection, Inspection, Region
from baas_preprocess.inspection import inspect
from baas_preprocess.mask import mask
from baas_preprocess.recipe import Recipe
from baas_preprocess.views import seen as answered
from baas_preprocess.views import shown
from baas_preprocess.way import is_absurd, is_wanted, joined

out = Console(width=120, highlight=False)


@dataclass(slots=True)
class Tally:
    """What one plan came to with one pair of confidences, over all pictures."""

    judged: list[Verdict] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)


def look(data: bytes, seen: Inspection, plan: Plan, find: Finder) -> tuple[list[Detection], float]:
    """Return all that a plan sees on a picture, and the detector's CPU seconds."""
    pixels = decode(data, seen)
    found: list[Detection] = []
    seconds = 0.0
    for view in plan.tiling(seen):
        picture = shown(pixels, view)
        before = time.process_time()
        rows = find(picture)
        seconds += time.process_time() - before
        found += answered(rows, view, seen.width_px, seen.height_px, wraps=seen.wraps)
    return [one for one in found if not is_absurd(one, seen)], seconds


def judge(image: LabelledImage, seen: Inspection, regions: Sequence[Region], recipe: Recipe, tally: Tally) -> None:
    """Mask the regions, and count what is covered."""
    redaction = mask(regions, seen, padding=recipe.padding, cells=recipe.cells)
    tally.judged += verdicts(masked_pixels(redaction), image.objects)
    tally.shares.append(redaction.share)


def recall(judged: Sequence[Verdict], holds: Callable[[LabelledObject], bool]) -> str:
    """Return how many of those that it holds for were found, with the 95 % interval."""
    members = [one for one in judged if holds(one.labelled)]
    return told(sum(one.covered >= FOUND for one in members), len(members)) if members else "-"


def _is_person(one: LabelledObject) -> bool:
    return one.object_class is DetectedClass.PERSON


COLUMNS: dict[str, Callable[[LabelledObject], bool]] = {
    "persons": _is_person,
    "plates": lambda one: not _is_person(one),
    "16 to 40 px": lambda one: not _is_person(one) and 16 <= one.width < 40,
    "at the seam": lambda one: one.crosses_seam,
}


def study(truth: Path, plans: Sequence[Plan], *, by_size: bool) -> list[Table]:
    """Try all plans on all pictures beside a COCO file."""
    images = load_truth(truth).images
    weights = default_weights()
    precision = Precision.BF16 if offers_bf16() else Precision.F32
    tallies: dict[tuple[str, Confidences], Tally] = defaultdict(Tally)
    sizes: dict[str, BySize] = defaultdict(BySize)
    seconds: dict[str, float] = defaultdict(float)
    for plan in plans:
        find = with_openvino(export(weights, Thresholds(closer_look=plan.closer_look)).onnx, precision)
        for image in track(images, plan.name, console=Console(stderr=True)):
            data = (truth.parent / image.name).read_bytes()
            seen = inspect(data, max_pixels=Recipe().max_pixels)
            found, spent = look(data, seen, plan, find)
            seconds[plan.name] += spent
            for person, plate in plan.confidences:
                wanted = {ObjectClass.PERSON: person, ObjectClass.LICENCE_PLATE: plate}
                recipe = Recipe(confidence=wanted)
                regions = joined([one for one in found if is_wanted(one, recipe)], seen)
                judge(image, seen, regions, recipe, tallies[plan.name, (person, plate)])
                if by_size and (person, plate) == DEFAULT:
                    sizes[plan.name].add(image, seen, regions, recipe)
    tables = [one.table(f"{truth.parent.name}, {name}, confidence {DEFAULT[0]:g}") for name, one in sizes.items()]
    table = Table(
        "plan", "confidence", *COLUMNS, "masked", "cost", title=f"{truth.parent.name}, {len(images)} pictures"
    )
    for plan in plans:
        table.add_section()
        for confidence in plan.confidences:
            tally = tallies[plan.name, confidence]
            table.add_row(
                plan.name,
                f"{confidence[0]:g}, {confidence[1]:g}",
                *(recall(tally.judged, holds) for holds in COLUMNS.values()),
                f"{np.mean(tally.shares):.2%}",
                f"{seconds[plan.name] / seconds[plans[0].name]:.2f}",
            )
    return [table, *tables]


@click.command()
@click.argument("truths", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--plan", "names", multiple=True, help="Only these plans, and the plain one.")
@click.option("--by-size", is_flag=True, help="Also print what each plan finds and masks by size.")
def main(truths: Sequence[Path], names: Sequence[str], *, by_size: bool) -> None:
    """Print tables for each COCO file of labelled pictures."""
    plans = [plan for plan in PLANS if not names or plan.name in {"plain", *names}]
    try:
        for truth in truths:
            for table in study(truth, plans, by_size=by_size):
                out.print(table)
    except BaasError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
