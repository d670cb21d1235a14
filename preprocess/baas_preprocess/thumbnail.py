"""The thumbnail of a finished JPEG: made of its own picture alone, so that it shows nothing else."""

import io
from typing import Final

import PIL.Image

from baas_preprocess import libjpeg
from baas_preprocess.container import jpeg

LONG_SIDE_PX: Final = 160
"""As in the 160x120 of cameras (DCF 2.0, 3.3.3), but in the picture's own proportions."""
_QUALITY: Final = 85


def thumbnail_of(data: bytes) -> bytes:
    """Return a baseline 4:2:0 JPEG, at most `LONG_SIDE_PX` long, of what a JPEG shows; not turned, and never enlarged.

    The same coefficients, tables and meaning of colours give the same bytes. It holds no metadata: Exif forbids
    segments of applications in a thumbnail (CIPA DC-008, 4.5.4). Raises `NotPublishable` when libjpeg so much as warns.
    """
    frame = libjpeg.read_frame(data)
    share = min(1.0, LONG_SIDE_PX / max(frame.width_px, frame.height_px))
    size = max(1, round(frame.width_px * share)), max(1, round(frame.height_px * share))
    pixels = libjpeg.decode(data, least_px=LONG_SIDE_PX, frame=frame)
    written = io.BytesIO()
    # Pillow adds up whole numbers, so that every machine gives the same; OpenCV's sums depend on the processor.
    small = PIL.Image.fromarray(pixels).resize(size, PIL.Image.Resampling.BILINEAR)
    small.save(written, "JPEG", quality=_QUALITY, subsampling="4:2:0")
    coded = written.getvalue()
    parts = (segment for segment in jpeg.walk(coded).segments if segment.marker in jpeg.PICTURE)
    return jpeg.assembled(coded[segment.start : segment.end] for segment in parts)
