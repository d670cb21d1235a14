"""The thumbnail of a finished JPEG: made of its own picture alone, so that it shows nothing else."""

import io
from typing import Final

import numpy as np
import PIL.Image

from baas_preprocess import libjpeg
from baas_preprocess.container import jpeg
from baas_preprocess.facts import Levels

LONG_SIDE_PX: Final = 160
"""As in the 160x120 of cameras (DCF 2.0, 3.3.3), but in the picture's own proportions."""
_QUALITY: Final = 85
_FILTER: Final = PIL.Image.Resampling.BILINEAR
_BLOCK_PX: Final = 8


def thumbnail_of(data: bytes, levels: Levels = ()) -> bytes:
    """Return a baseline 4:2:0 JPEG, at most `LONG_SIDE_PX` long, of what a JPEG shows; not turned, and never enlarged.

    `levels` are the blocks' of this JPEG; where they are not given and needed, they are read from it. The same
    coefficients, tables and meaning of colours give the same bytes. It holds no metadata: Exif forbids segments of
    applications in a thumbnail (CIPA DC-008, 4.5.4). Raises `NotPublishable` when libjpeg so much as warns.
    """
    frame = libjpeg.read_frame(data)
    share = min(1.0, LONG_SIDE_PX / max(frame.width_px, frame.height_px))
    size = max(1, round(frame.width_px * share)), max(1, round(frame.height_px * share))
    # Pillow adds up whole numbers, so that every machine gives the same; OpenCV's sums depend on the processor.
    if max(frame.width_px, frame.height_px) >= _BLOCK_PX * LONG_SIDE_PX:
        small = _from_levels(levels or libjpeg.read_levels(data, frame), frame, size)
    else:
        small = PIL.Image.fromarray(libjpeg.decode(data, least_px=LONG_SIDE_PX, frame=frame)).resize(size, _FILTER)
    written = io.BytesIO()
    small.save(written, "JPEG", quality=_QUALITY, subsampling="4:2:0")
    coded = written.getvalue()
    parts = (segment for segment in jpeg.walk(coded).segments if segment.marker in jpeg.PICTURE)
    return jpeg.assembled(coded[segment.start : segment.end] for segment in parts)


def _from_levels(levels: Levels, frame: libjpeg.Frame, size: tuple[int, int]) -> PIL.Image.Image:
    """Shrink each component by itself: one sample of it is the mean of a block."""
    planes = []
    for level, plane in zip(levels, frame.planes, strict=True):
        means = (level.astype(np.int32) * int(plane.steps[0]) + _BLOCK_PX // 2) // _BLOCK_PX + 128
        shown = frame.width_px / plane.block_px[0], frame.height_px / plane.block_px[1]  # the last block may go beyond
        samples = PIL.Image.fromarray(means.clip(0, 255).astype(np.uint8))
        planes.append(samples.resize(size, _FILTER, box=(0, 0, *shown)))
    if len(planes) == 1:
        return planes[0].convert("RGB")
    return PIL.Image.merge("RGB" if frame.colour_space == "RGB" else "YCbCr", planes)
