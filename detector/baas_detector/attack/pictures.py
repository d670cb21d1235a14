"""Pictures in files. The edge to OpenCV's codecs: arrays are RGB here and everywhere else."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from baas_crds.errors import ConfigurationError
from baas_detector.checks import Tile
from baas_detector.contract import DetectedClass
from baas_detector.evaluation import load_truth
from baas_detector.truth import LabelledImage

# As good as panoramas are: of what redaction leaves, the coding should take nothing.
_QUALITY = 95


def write_jpeg(path: Path, picture: Tile) -> None:
    """Raises `OSError` when it cannot be written."""
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise OSError(f"OpenCV could not encode a JPEG of {picture.shape[1]} x {picture.shape[0]} px")
    path.write_bytes(data.tobytes())


def read_picture(path: Path) -> Tile:
    """Read the pixels as stored, whatever the orientation. Raises `ConfigurationError` when there is no picture."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None:
        raise ConfigurationError(f"{path} cannot be read as a picture.")
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def labelled_pictures(truth_files: Sequence[Path], wanted: DetectedClass) -> Iterator[tuple[Path, LabelledImage]]:
    """Give the pictures of COCO files, which lie beside them, that show at least one object of the class.

    Raises `ConfigurationError` for an unusable COCO file.
    """
    for truth_file in truth_files:
        for image in load_truth(truth_file).images:
            if any(one.object_class is wanted for one in image.objects):
                yield truth_file.parent / image.name, image


def read_labelled(path: Path, image: LabelledImage) -> Tile:
    """Read a picture that has the size its labels say. Raises `ConfigurationError` otherwise."""
    picture = read_picture(path)
    if picture.shape[:2] != (image.height_px, image.width_px):
        raise ConfigurationError(
            f"{path} is {picture.shape[1]} x {picture.shape[0]} px; its labels are for {image.width_px} x "
            f"{image.height_px} px."
        )
    return picture
