"""`baas-detector build-repository`."""

from pathlib import Path

import click

from baas_crds.errors import ConfigurationError
from baas_detector.building import build
from baas_detector.card import Target, Thresholds
from baas_detector.contract import DetectedClass
from baas_detector.repository import FIRST_VERSION
from baas_detector.weights import Weights, default_weights, own_weights, vehicle_weights

_FILE = click.Path(path_type=Path, dir_okay=False)
_DEFAULT = Thresholds()


@click.command("build-repository")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the repository."
)
@click.option("--weights", type=_FILE, help="Your own checkpoint (.pt) that knows person and licence_plate.")
@click.option("--persons", type=_FILE, help="Your own checkpoint for persons; needs --plates.")
@click.option("--plates", type=_FILE, help="Your own checkpoint for licence plates; needs --persons.")
@click.option(
    "--vehicles",
    metavar="FILE|persons",
    help="Checkpoint (.pt) that finds vehicles, on which plates are looked for more closely; `persons` is the default "
    "one for persons. Unset: whichever of the others knows vehicles.",
)
@click.option(
    "--closer-look/--no-closer-look",
    default=True,
    show_default=True,
    help="Look for plates on enlarged vehicles, too, if a checkpoint knows vehicles.",
)
@click.option(
    "--target", type=click.Choice(Target), default=Target.CPU, show_default=True, help="Where it will be served."
)
@click.option(
    "--score-floor",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=_DEFAULT.score_floor,
    show_default=True,
    help="Boxes at or below this score are dropped.",
)
@click.option(
    "--iou",
    type=click.FloatRange(0, 1, min_open=True),
    default=_DEFAULT.iou,
    show_default=True,
    help="Of two boxes that overlap more than this, the lower score is dropped.",
)
@click.option(
    "--max-det",
    type=click.IntRange(1, 10_000),
    default=_DEFAULT.max_det,
    show_default=True,
    help="Most boxes for one tile; a tile with more is refused by clients.",
)
@click.option(
    "--tensorrt", is_flag=True, help="With --target gpu: run it with TensorRT, which compiles for minutes first."
)
@click.option(
    "--version",
    type=click.IntRange(1, 2**31 - 1),
    default=FIRST_VERSION,
    show_default=True,
    help="Put it beside the versions that are there. Whoever names none gets the highest.",
)
@click.option("--force", is_flag=True, help="Replace another model of this version in the folder.")
def build_repository(
    output: Path,
    weights: Path | None,
    persons: Path | None,
    plates: Path | None,
    vehicles: str | None,
    closer_look: bool,
    target: Target,
    score_floor: float,
    iou: float,
    max_det: int,
    tensorrt: bool,
    version: int,
    force: bool,
) -> None:
    """Make a Triton model repository with the model person_plate.

    Without weights of your own it fetches two published checkpoints with pip and joins them: one for persons, one for
    licence plates. The model's digest is printed; the model card lies beside the model. If the same model is there
    already, nothing is done.

    A checkpoint is a pickle. It is read with Ultralytics' list of allowed classes, which runs no code of the file; take
    checkpoints from people you trust all the same.

    \b
        baas-detector build-repository --output models
        baas-detector build-repository --output models --weights best.pt --vehicles persons --target gpu
        baas-detector build-repository --output models --weights best.pt --vehicles persons --version 2
    """
    if tensorrt and target is not Target.GPU:
        raise click.UsageError("--tensorrt needs --target gpu")
    if vehicles is not None and not closer_look:
        raise click.UsageError("--vehicles has no effect with --no-closer-look")
    # The first that knows vehicles is the one that is asked for them.
    chosen = [*([vehicle_weights(vehicles)] if vehicles is not None else []), *_choose(weights, persons, plates)]
    thresholds = Thresholds(
        score_floor=score_floor, iou=iou, max_det=max_det, closer_look=_DEFAULT.closer_look if closer_look else None
    )
    built = build(output, chosen, thresholds, target=target, tensorrt=tensorrt, force=force, version=version)
    click.echo(built.versions[version].digest)


def _choose(weights: Path | None, persons: Path | None, plates: Path | None) -> list[Weights]:
    match (weights, persons, plates):
        case (None, None, None):
            return default_weights()
        case (Path(), None, None):
            return [own_weights(weights, *DetectedClass)]
        case (None, Path(), Path()):
            return [own_weights(persons, DetectedClass.PERSON), own_weights(plates, DetectedClass.LICENCE_PLATE)]
        case _:
            raise ConfigurationError("Give --weights alone, or --persons and --plates together, or none of them")
