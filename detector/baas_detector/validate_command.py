"""`baas-detector validate`."""

from pathlib import Path

import click
from rich.console import Console

from baas_detector.training.tables import show_measures


@click.command("validate")
@click.argument("weights", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--split", type=click.Choice(["train", "val", "test"]), default="val", show_default=True, help="Which pictures."
)
@click.option(
    "--image-size", type=click.IntRange(32, 4096), default=1280, show_default=True, help="Longer side, in pixels."
)
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Pictures at a time.")
@click.option("--device", default="cpu", show_default=True, help="`cpu`, or the number of a GPU.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here, too."
)
def validate(
    weights: Path, data: Path, split: str, image_size: int, batch: int, device: str, json_file: Path | None
) -> None:
    """Measure a checkpoint's average precision per class on labelled pictures.

    DATA is a YOLO folder or its data.yaml. The figures are Ultralytics' own, on whole pictures; what the service finds
    by tiles, and by groups of the bias document, is measured by `baas-detector evaluate`.

    \b
        baas-detector validate runs/street/train/weights/best.pt data --json validation.json
    """
    from baas_detector.training import runs, yolo  # noqa: PLC0415 - torch takes seconds to import
    from baas_detector.training.files import write_json  # noqa: PLC0415
    from baas_detector.training.settings import Training  # noqa: PLC0415
    from baas_detector.weights import own_weights  # noqa: PLC0415

    own = own_weights(weights)
    settings = Training(image_size_px=image_size, batch=batch, device=device)
    with yolo.shut_in():
        measures = runs.measure(own.path, data, split, settings)
    show_measures(measures, Console())
    if json_file is not None:
        write_json(json_file, {"weights": own.digest, **measures.document()})
