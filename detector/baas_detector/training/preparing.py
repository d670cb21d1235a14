"""The step `convert`: from an annotation tool's file to the YOLO folder that training reads."""

import logging
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.annotations import converting
from baas_detector.annotations.model import Format
from baas_detector.training.settings import TrainingConfig

log = logging.getLogger(__name__)


def convert(config: TrainingConfig) -> None:
    """Write labels with their categories and lists of pictures into `data.path`, and link to the pictures.

    Raises `ConfigurationError` for annotations that `baas-detector convert` refuses, too.
    """
    wanted = config.convert
    if wanted is None:
        raise ConfigurationError("The file has no part `convert:`")
    annotations, found = converting.load(wanted.annotations, images=wanted.images)
    converting.refuse_bad(wanted.annotations, found)
    wish = converting.Wish(to=Format.YOLO, output=config.data.path, keep_category=True, metadata=wanted.metadata)
    left_out = converting.save(annotations, wish)
    for category, objects in left_out.items():
        log.info("%s objects of %s are left out: it is no class of the detector", objects, category)
    _link(wanted.images, config.data.path / "images")


def _link(pictures: Path, link: Path) -> None:
    if link.is_symlink():
        link.unlink()
    elif link.exists() and not link.samefile(pictures):
        raise ConfigurationError(f"{link} is there already and holds other pictures than {pictures}: move it away")
    if not link.exists():
        link.symlink_to(pictures.resolve(), target_is_directory=True)
