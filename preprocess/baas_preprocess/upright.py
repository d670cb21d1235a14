"""EXIF orientation: show the detector an upright picture, and bring its boxes back to the stored frame.

Orientation values as in the Exif 2.32 standard, section 4.6.4, tag 0x0112.
"""

import numpy as np

from baas_preprocess.facts import Box, Inspection, Pixels

# stored -> shown, as (transpose first, then flip left-right, then flip upside-down)
_TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


def is_joined(inspection: Inspection) -> bool:
    """Whether a picture is looked at across its seam: an upright panorama is, the others are flat photos."""
    return inspection.wraps and inspection.orientation == 1


def shown_size(inspection: Inspection) -> tuple[int, int]:
    """Return the width and height of the picture as viewers show it, in pixels."""
    stored = inspection.width_px, inspection.height_px
    return stored[::-1] if _TURNS[inspection.orientation][0] else stored


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Return the picture as a viewer shows it. A view where possible, no copy."""
    transposed, mirrored, flipped = _TURNS[orientation]
    shown = np.swapaxes(pixels, 0, 1) if transposed else pixels
    if mirrored:
        shown = shown[:, ::-1]
    return shown[::-1] if flipped else shown


def stored_box(box: Box, orientation: int, shown_width_px: int, shown_height_px: int) -> Box:
    """Bring a box of the shown picture (of that size) back to the stored one."""
    transposed, mirrored, flipped = _TURNS[orientation]
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    if flipped:
        top, bottom = shown_height_px - bottom, shown_height_px - top
    if mirrored:
        left, right = shown_width_px - right, shown_width_px - left
    return Box(top, left, bottom, right) if transposed else Box(left, top, right, bottom)
