"""Folders of this machine in a file that otherwise speaks of places as a BlurJob does.

`folder: PATH` becomes a volume of a claim that no cluster has, with the absolute path in it: so the rules that a
BlurJob has about places hold for folders, too.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baas_crds.apart import Place
from baas_crds.errors import ConfigurationError
from baas_crds.places import FOLDER
from baas_preprocess.stores.folder import resolved

THIS_MACHINE = "this-machine"
"""The claim that stands for this machine's disks."""
FOLDER_KEY = "folder"
_PLACES = ("azureBlob", "panoramaApi", "volume")


def without_folder(place: Mapping[str, Any], title: str, base: Path) -> dict[str, Any]:
    """Return a place in which a folder, told from `base`, is a volume. `title` is the key that it stands under.

    Raises `ConfigurationError` for what is no folder, and for a second place beside it.
    """
    if FOLDER_KEY not in place:
        return dict(place)
    given = place[FOLDER_KEY]
    if other := next((name for name in _PLACES if name in place), None):
        raise ConfigurationError(f"{title} has {FOLDER_KEY} and {other}: one place only")
    if not isinstance(given, str) or not given:
        raise ConfigurationError(f"{title}.{FOLDER_KEY} should be the path of a folder")
    path = str(resolved(base / given)).lstrip("/")
    if not re.fullmatch(FOLDER, path):
        raise ConfigurationError(f"{title}.{FOLDER_KEY}: no folder with a backslash or a line end in its name is read")
    rest = {name: value for name, value in place.items() if name != FOLDER_KEY}
    return {**rest, "volume": {"claimName": THIS_MACHINE, "path": path}}


def is_folder_here(place: Place) -> bool:
    """Whether a place was a folder of this machine."""
    return place.volume is not None and place.volume.claim_name == THIS_MACHINE


def local_folder(place: Place, title: str, volumes: Mapping[str, Path]) -> Path | None:
    """Return where a place is on this machine, None when it is a container.

    Raises `ConfigurationError` for a claim of which `volumes` (machine.volumes) does not say where it is.
    """
    if place.volume is None:
        return None
    claim, path = place.volume.claim_name, place.volume.path
    if claim == THIS_MACHINE:
        return Path("/", path)
    if claim not in volumes:
        raise ConfigurationError(
            f"{title}.volume: machine.volumes does not say where {claim} is on this machine: add {claim}: FOLDER, or "
            f"name a {title}.folder"
        )
    return volumes[claim] / path
