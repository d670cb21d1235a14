"""The binding to the system's libturbojpeg: its structures, its functions, and what its errors mean.

Names in quotes are those of libjpeg-turbo 2.1's turbojpeg.h.
"""

import ctypes
import ctypes.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from baas_crds.errors import ConfigurationError
from baas_preprocess.container.refusals import damaged, truncated, unsupported


class Region(ctypes.Structure):
    """`tjregion`."""

    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_int), ("width", ctypes.c_int), ("height", ctypes.c_int)]


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, Region, Region, ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
"""`customFilter`: gets the coefficients' address, the region that they are of, the plane's size and its number."""


class Transform(ctypes.Structure):
    """`tjtransform`."""

    _fields_ = [
        ("crop", Region),
        ("operation", ctypes.c_int),
        ("options", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("on_row", Callback),
    ]


_POINTER, _NUMBER, _BYTES, _SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_ulong
_ADDRESS = ctypes.POINTER(_NUMBER)
_FUNCTIONS: tuple[tuple[str, Any, list[Any]], ...] = (
    ("tjInitDecompress", _POINTER, []),
    ("tjInitTransform", _POINTER, []),
    ("tjDestroy", _NUMBER, [_POINTER]),
    ("tjFree", None, [_POINTER]),
    ("tjGetErrorStr2", _BYTES, [_POINTER]),
    ("tjDecompressHeader3", _NUMBER, [_POINTER, _BYTES, _SIZE, _ADDRESS, _ADDRESS, _ADDRESS, _ADDRESS]),
    ("tjDecompress2", _NUMBER, [_POINTER, _BYTES, _SIZE, _POINTER, _NUMBER, _NUMBER, _NUMBER, _NUMBER, _NUMBER]),
    ("tjTransform", _NUMBER, [_POINTER, _BYTES, _SIZE, _NUMBER, _POINTER, _POINTER, _POINTER, _NUMBER]),
)
"""Name, result and arguments."""


@cache
def load_library(names: tuple[str, ...] = ("libturbojpeg.so.0", "turbojpeg")) -> Any:
    """Load libturbojpeg (2.1 or later) by its soname, else wherever the system's linker finds it."""
    for name in names:
        try:
            library = ctypes.CDLL(name if ".so" in name else ctypes.util.find_library(name) or name)
        except OSError:
            continue
        for function, result, arguments in _FUNCTIONS:
            getattr(library, function).restype = result
            getattr(library, function).argtypes = arguments
        return library
    raise ConfigurationError(
        f"None of {', '.join(names)} can be loaded: install libturbojpeg0 (Debian) or libturbojpeg (Ubuntu)"
    )


@contextmanager
def handle_of(library: Any, create: Callable[[], int | None]) -> Iterator[int]:
    """Give what libturbojpeg works with, and free it at the end. Raises `MemoryError` when there is none."""
    handle = create()
    if not handle:
        raise MemoryError("libturbojpeg could not make a handle")
    try:
        yield handle
    finally:
        library.tjDestroy(handle)


def check(library: Any, handle: int, found: int) -> None:
    """Turn libjpeg's messages, warnings among them, into `NotPublishable`; `found` is what its function returned."""
    if found == 0:
        return
    message = library.tjGetErrorStr2(handle).decode(errors="replace").strip()
    if "nsufficient memory" in message or "Memory allocation" in message:
        raise MemoryError(f"libjpeg: {message}")
    if "Premature end of JPEG file" in message:
        raise truncated(f"libjpeg says: {message}")
    if any(part in message for part in ("nsupported", "not supported", "not implemented", "Could not determine")):
        raise unsupported(f"libjpeg says: {message}")
    raise damaged(f"libjpeg says: {message}")
