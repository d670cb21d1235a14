"""`baas-detector register`."""

import json
from pathlib import Path

import click

from baas_crds.errors import ConfigurationError


@click.command("register")
@click.argument("config_file", metavar="CONFIG.YML", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", help="Instead of the file's register.to.")
def register(config_file: Path, to: str | None) -> None:
    """Keep what a run left as the next version of a model: checkpoint, settings, figures, repository, digests.

    A version is there as a whole or not at all, and never changes; the same files again are the same version. It lies
    in a folder, in a Blob container or in an Azure ML workspace. One JSON document is printed.

    \b
        baas-detector register config.yml
        baas-detector register config.yml --to https://myaccount.blob.core.windows.net/models
        baas-detector register config.yml --to azureml:azureml/config.json
    """
    from baas_detector.training import runs  # noqa: PLC0415 - what it imports takes a second
    from baas_detector.training.registering import register as keep  # noqa: PLC0415
    from baas_detector.training.settings import Registration, read_config  # noqa: PLC0415

    config = read_config(config_file)
    asked = Registration(to=to) if to is not None and config.register_ is None else config.register_
    if asked is None:
        raise ConfigurationError(f"{config_file} has no part `register:`; add it, or give --to")
    click.echo(json.dumps(keep(to or asked.to, runs.bundle(config, asked.name)).document(), indent=2))
