"""Where people look at a panorama: the viewer of the city's data portal. Pure."""

from urllib.parse import quote

from baas_panoramas.address import is_address
from baas_panoramas.panorama import SUFFIX

ID = "{pano_id}"
# As the city's own pages link to single panoramas, such as https://github.com/Amsterdam/datablog,
# _posts/2018-03-21-360-gradenfotos-van-de-hele-stad.md
AMSTERDAM = f"https://data.amsterdam.nl/data/panorama/{ID}/"


def checked_viewer(address: str) -> str:
    """Return the address of a viewer. Raises `ValueError` when it is none."""
    if not address.startswith("https://") or address.count(ID) != 1 or not address.isprintable():
        raise ValueError(f"a viewer's address is https://… with {ID} in it")
    return address


def viewer_link(pano_id: str, address: str) -> str:
    """Return where people look at a panorama."""
    return address.replace(ID, quote(pano_id, safe=""))


def viewer_of(source: str, name: str, address: str) -> str | None:
    """Return where people look at a picture of a source, None when it is not of the Panorama API."""
    return viewer_link(name.removesuffix(SUFFIX), address) if is_address(source) and name.endswith(SUFFIX) else None
