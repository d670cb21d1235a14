"""What libjpeg-turbo needs for the same picture when nothing is done with it: the limit that our own work adds to."""

import ctypes

import numpy as np

from baas_preprocess.turbojpeg import Transform, check, handle_of, load_library

_RGB = 0
_COPY_NO_METADATA = 64


def decode(data: bytes, *, width_px: int, height_px: int) -> None:
    """Decode to RGB."""
    library = load_library()
    pixels = np.empty((height_px, width_px, 3), np.uint8)
    with handle_of(library, library.tjInitDecompress) as handle:
        where = pixels.ctypes.data
        check(library, handle, library.tjDecompress2(handle, data, len(data), where, width_px, 0, height_px, _RGB, 0))


def transcode(data: bytes) -> None:
    """Read the coefficients and write them again, without loss: what `jpegtran` does."""
    library = load_library()
    transforms, buffers, sizes = (Transform * 1)(), (ctypes.c_void_p * 1)(), (ctypes.c_ulong * 1)()
    transforms[0].options = _COPY_NO_METADATA
    with handle_of(library, library.tjInitTransform) as handle:
        check(library, handle, library.tjTransform(handle, data, len(data), 1, buffers, sizes, transforms, 0))
    library.tjFree(buffers[0])
