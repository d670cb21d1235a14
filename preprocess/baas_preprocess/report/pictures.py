"""Pictures for the page. Only finished files come here: no function of the report ever sees a byte of an original."""

import sys

import cv2
import numpy as np

from baas_preprocess.decode import decode
from baas_preprocess.inspection import inspect
from baas_preprocess.upright import upright

_QUALITY = 75


def page_picture(published: bytes, *, width_px: int, orientation: int) -> bytes:
    """Scale a published file down to a JPEG of at most `width_px`, upright as a viewer shows it, without metadata.

    `orientation` is the file's EXIF orientation, 1..8. Raises `NotPublishable` when the file is damaged by now.
    """
    # Decoded as before detection: cv2 alone would turn a TIFF by its orientation and leave a PNG as it is.
    stored = decode(published, inspect(published, max_pixels=sys.maxsize))
    shown = np.ascontiguousarray(upright(stored, orientation))
    height, width = shown.shape[:2]
    fitting = (width_px, max(1, round(height * width_px / width)))
    picture = cv2.resize(shown, fitting, interpolation=cv2.INTER_AREA) if width > width_px else shown
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()
