"""`baas-detector export`."""

from pathlib import Path

import click


@click.command("export")
@click.argument("config_file", metavar="CONFIG.YML", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace another model in the folder.")
def export(config_file: Path, force: bool) -> None:
    """Build a Triton model repository of the run's checkpoint, as CONFIG.YML's part `export` says.

    What `baas-detector build-repository` does for any checkpoint, with its checks: the ONNX graph must find what the
    checkpoint finds. With `target: gpu` and `tensorrt: true` Triton runs it by TensorRT. The model's digest is printed.

    \b
        baas-detector export config.yml
    """
    from baas_detector.training import runs  # noqa: PLC0415 - torch takes seconds to import
    from baas_detector.training.settings import read_config  # noqa: PLC0415

    click.echo(runs.export(read_config(config_file), force=force).card.digest)
