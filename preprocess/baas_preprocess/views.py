"""What the detector is shown of a picture, and what its answers mean there. Pure.

The default profile shows the tiles. The thorough one shows a panorama's tiles twice, the second time shifted, and flat
views of what lies above and below them.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from baas_crds.codes import ObjectClass
from baas_preprocess import detect, poles, tile
from baas_preprocess.facts import Detection, Pixels, Profile, Tile
from baas_preprocess.poles import FlatView

View: TypeAlias = Tile | FlatView
# A plate of 52 cm that filled more of a flat view would be within 63 cm of the camera. Its own carrier is: the name on
# a car's roof is what is taken for a plate there.
WIDEST_PLATE_DEGREES = 45


def views(
    width_px: int, height_px: int, profile: Profile, *, wraps: bool, is_sphere: bool, is_shifted: bool = False
) -> list[View]:
    """Return what is shown of an upright picture; `is_shifted` is the plan of the second look.

    `is_sphere` says that the rows of a picture that wraps go from +90 to -90 degrees: only then it has poles.
    """
    plan: list[View] = list(tile.tiles(width_px, height_px, wraps=wraps, is_sphere=is_sphere, is_shifted=is_shifted))
    if profile is Profile.THOROUGH:
        if not is_shifted:
            plan += tile.tiles(width_px, height_px, wraps=wraps, is_sphere=is_sphere, is_shifted=True)
        if is_sphere:
            plan += poles.flat_views(is_shifted=is_shifted)
    return plan


def shown(pixels: Pixels, view: View) -> Pixels:
    """Return the pixels of one view."""
    return tile.cut(pixels, view) if isinstance(view, Tile) else poles.flat(pixels, view)


def seen(
    rows: npt.NDArray[np.float32], view: View, width_px: int, height_px: int, *, wraps: bool
) -> Iterator[Detection]:
    """Turn a view's rows (n, 6) into detections in the pixels of the upright picture."""
    if isinstance(view, Tile):
        yield from detect.detections(rows, view, width_px, wraps=wraps)
        return
    extent, widest = view.extent(width_px, height_px), view.length_px(WIDEST_PLATE_DEGREES)
    for *corners, score, number in rows.astype(np.float64).tolist():
        left, top, right, bottom = corners
        if detect.CLASSES[int(number)] is ObjectClass.LICENCE_PLATE and max(right - left, bottom - top) > widest:
            continue
        box = poles.outline(view, corners, width_px, height_px)
        # What lies in the band as a whole is left to the native tiles, which show it upright and at its full size.
        if max(90 - box.top / height_px * 180, box.bottom / height_px * 180 - 90) > tile.BAND_DEGREES:
            yield Detection(box=box, object_class=detect.CLASSES[int(number)], score=score, tile=extent)
