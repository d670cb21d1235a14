"""Picture files: their sizes as they are shown, and copies of another size."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import cv2
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.model import Size

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})
_PLUGINS = (JpegImageFile, PngImageFile, TiffImageFile)
_ORIENTATION = 0x0112
_QUALITY = 95


def list_pictures(folder: Path) -> list[str]:
    """Return the paths of all pictures below a folder, with forward slashes, sorted."""
    return sorted(
        str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES
    )


def find_picture(folder: Path, name: str) -> Path | None:
    """Return where a picture lies: under its name, or under what follows behind the first folders of it."""
    parts = PurePosixPath(name).parts
    if ".." in parts:
        return None
    candidates = (folder.joinpath(*parts[start:]) for start in range(len(parts)))
    return next((path for path in candidates if path.is_file()), None)


def opened(path: Path) -> ImageFile:
    """Open a picture of which only the header is wanted. Raises `ConfigurationError` when it is no picture."""
    for plugin in _PLUGINS:
        try:
            return plugin(path)  # not Image.open: its limit on pixels is below the size of large panoramas
        except SyntaxError:
            continue
    raise ConfigurationError(f"{path} cannot be read as a JPEG, PNG or TIFF.")


def size_of(path: Path) -> Size:
    """Return a picture's size as viewers show it, by its header. Raises `ConfigurationError` when it is no picture."""
    with opened(path) as picture:
        is_turned = picture.getexif().get(_ORIENTATION, 1) in {5, 6, 7, 8}
        width, height = picture.size
    return Size(width_px=height, height_px=width) if is_turned else Size(width_px=width, height_px=height)


def sizes_in(folder: Path, names: Iterable[str]) -> dict[str, Size]:
    """Return the sizes of those pictures that are there, by name."""
    found = ((name, find_picture(folder, name)) for name in names)
    return {name: size_of(path) for name, path in found if path is not None}


def write_resized(source: Path, output: Path, sizes: Mapping[str, Size]) -> Iterator[str]:
    """Write each picture in its new size and give its name; one that has it already is copied, byte by byte.

    A picture of another size loses its metadata, position included; its pixels are turned as its orientation says.
    Raises `ConfigurationError` when a picture is missing or cannot be read.
    """
    for name, size in sizes.items():
        path = find_picture(source, name)
        if path is None:
            raise ConfigurationError(f"The picture {name} is not below {source}.")
        target = output / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if size_of(path) == size:
            shutil.copyfile(path, target)
        else:
            _write(target, path, size)
        yield name


def _write(target: Path, path: Path, size: Size) -> None:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ConfigurationError(f"{path} cannot be read as a picture.")
    shrinks = size.width_px < picture.shape[1]
    small = cv2.resize(
        picture, (size.width_px, size.height_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    if not cv2.imwrite(str(target), small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
        raise OSError(f"OpenCV could not write {target}")
