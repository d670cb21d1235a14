"""Names: of categories in one spelling, of pictures without the folders of a datastore."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from posixpath import commonpath

from baas_crds.errors import ConfigurationError
from baas_detector.categories import read_category
from baas_detector.contract import DetectedClass


def one_spelling(category: str) -> str:
    """Return how a category is called here; one that means neither persons nor plates, or nothing, stays as it is."""
    try:
        read = read_category(category)
    except ConfigurationError:
        return category
    return read.path if read else category


def class_of(category: str) -> DetectedClass | None:
    """Return the detector's class of a category, None for one such as `car`.

    Raises `ConfigurationError` for a path that is not in the tree.
    """
    read = read_category(category)
    return read.object_class if read else None


def common_folder(names: Iterable[str]) -> str:
    """Return the folder that all names begin with, without the slash at its end; empty when there is none."""
    folders = [str(PurePosixPath(name).parent) for name in names if not leads_elsewhere(name)]
    return commonpath(folders) if folders else ""


def without_folder(name: str, folder: str) -> str:
    """Return a name as it is called below a folder; names that do not lie there stay as they are."""
    return name.removeprefix(f"{folder.strip('/')}/") if folder.strip("/") else name


def leads_elsewhere(name: str) -> bool:
    """Tell whether a name is no path below a folder."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or not path.name or "\\" in name or "\0" in name
