"""PNG and TIFF, read and written without loss in their own depth. The edge to OpenCV, Pillow and tifffile.

Only what these libraries read exactly is read; all else is refused by name. Metadata is not carried over.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import tifffile

from baas_crds.errors import NotPublishable
from baas_preprocess.container import png
from baas_preprocess.container.refusals import damaged, unsupported
from baas_preprocess.facts import Digest, ImageFormat, Mask

Samples: TypeAlias = npt.NDArray[Any]
"""(height, width, channels), 8 or 16 bits unsigned: grey, grey + alpha, RGB or RGB + alpha."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raster:
    """A picture of plain samples, with what is needed to write it as it was."""

    format: ImageFormat
    samples: Samples
    alpha: str | None = None
    """TIFF: what its extra channel means, in tifffile's words; None without one."""
    is_compressed: bool = True
    """TIFF: written with Deflate, else plain."""

    @property
    def greatest(self) -> int:
        """The greatest value of a sample, such as 255."""
        return int(np.iinfo(self.samples.dtype).max)

    @property
    def has_alpha(self) -> bool:
        return self.samples.shape[2] in (2, 4)

    def with_samples(self, samples: Samples) -> "Raster":
        return replace(self, samples=samples)


def read(data: bytes, image_format: ImageFormat) -> Raster:
    """Decode a PNG or TIFF exactly.

    Palettes and pictures of less than 8 bits become 8-bit RGB or grey; a transparent colour becomes an alpha channel.
    Raises `NotPublishable` for damage, several pictures in one file, and what cannot be written back without loss.
    """
    if image_format is ImageFormat.PNG:
        return _read_png(data)
    if image_format is ImageFormat.TIFF:
        return _read_tiff(data)
    raise ValueError(f"{image_format} is not made of plain samples")


def write(raster: Raster) -> bytes:
    """Encode without loss and without metadata; equal rasters give equal bytes."""
    if raster.format is ImageFormat.PNG:
        samples = raster.samples
        if samples.shape[2] == 2:
            samples = np.concatenate([samples[..., :1]] * 3 + [samples[..., 1:]], axis=2)
        # Level 4 takes 2 s for 8000x4000 px; level 6 takes 4 s and saves 5 %.
        done, encoded = cv2.imencode(".png", _swapped(samples), [cv2.IMWRITE_PNG_COMPRESSION, 4])
        if not done:
            raise OSError("OpenCV could not encode a PNG")
        return encoded.tobytes()
    channels = raster.samples.shape[2]
    written = io.BytesIO()
    tifffile.imwrite(
        written,
        raster.samples if channels > 1 else raster.samples[..., 0],
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=[raster.alpha] if raster.alpha else None,
        rowsperstrip=64,
        metadata=None,
        software=False,
        compression="zlib" if raster.is_compressed else None,
        predictor=2 if raster.is_compressed else None,
    )
    return written.getvalue()


def unit_rows(mask: Mask, samples: Samples) -> Iterator[tuple[int, Samples]]:
    """Give, for each row of units, its number and a view of its samples.

    Raises `ValueError` when the mask was not made for a picture of this size.
    """
    height, width, _ = samples.shape
    if (mask.width_px, mask.height_px) != (width, height):
        raise ValueError(f"the mask is {mask.width_px}x{mask.height_px} px, the picture {width}x{height} px")
    unit_height = mask.unit_px[1]
    for row in range(mask.cells.shape[0]):
        yield row, samples[row * unit_height : (row + 1) * unit_height]


def outside_digest(raster: Raster, mask: Mask) -> Digest:
    """Digest of all samples outside the mask, the size, depth and channels."""
    digest = hashlib.sha256(repr((raster.samples.shape, raster.samples.dtype.name, raster.alpha)).encode())
    unit_width = mask.unit_px[0]
    for row, band in unit_rows(mask, raster.samples):
        covered = np.repeat(mask.covered[row], unit_width)[: mask.width_px]
        digest.update(np.where(covered[:, None], 0, band).astype(band.dtype, copy=False).tobytes())
    return Digest("sha256:" + digest.hexdigest())


def _swapped(samples: Samples) -> Samples:
    """Between RGB and OpenCV's order."""
    return np.ascontiguousarray(samples[..., [[0], [0], [2, 1, 0], [2, 1, 0, 3]][samples.shape[2] - 1]])


def _read_png(data: bytes) -> Raster:
    png.walk(data)  # refuses animations, of which OpenCV would give the first picture
    # libpng checks every checksum, and that no row is missing.
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise damaged("libpng cannot decode it to its last row")
    samples = decoded[..., None] if decoded.ndim == 2 else _swapped(decoded)
    return Raster(format=ImageFormat.PNG, samples=samples)


def _read_tiff(data: bytes) -> Raster:
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            pages = len(file.pages)
            page = file.pages.first
            _check_tiff(page, pages)
            alpha = _ALPHA[page.extrasamples[0]] if page.extrasamples else None
            samples = _lzw_samples(data, page, alpha) if page.compression == _LZW else page.asarray()
            shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
            is_compressed = page.compression != _PLAIN
    except (NotPublishable, MemoryError):
        raise
    except Exception as error:  # a damaged TIFF makes tifffile raise nearly anything
        raise damaged(f"tifffile cannot read it: {error}") from error
    if samples.size != np.prod(shape):
        raise damaged(f"it holds {samples.shape} samples, its headers say {shape}")
    return Raster(format=ImageFormat.TIFF, samples=samples.reshape(shape), alpha=alpha, is_compressed=is_compressed)


# TIFF 6.0; Deflate has two numbers
_PLAIN, _LZW, _DEFLATE, _PACKBITS = 1, 5, (8, 32946), 32773
_GREY, _RGB = 1, 2
_LARGE_TILE_PX = 4096 * 4096
_ALPHA = {0: "unspecified", 1: "assocalpha", 2: "unassalpha"}


def _check_tiff(page: Any, pages: int) -> None:
    """Refuse what could not be written back as it was."""
    channels, extra = page.samplesperpixel, len(page.extrasamples)
    for is_wrong, found, instead in (
        (pages != 1, f"{pages} pages", "one"),
        (page.photometric not in (_GREY, _RGB), f"photometric interpretation {page.photometric}", "grey and RGB"),
        (
            channels - extra != (1 if page.photometric == _GREY else 3) or extra > 1,
            f"{channels} samples a pixel",
            "grey and RGB, with or without one alpha channel",
        ),
        (extra and page.extrasamples[0] not in _ALPHA, f"an extra channel {page.extrasamples}", "alpha"),
        (page.dtype not in (np.uint8, np.uint16), f"samples of {page.dtype}", "whole numbers of 8 and 16 bits"),
        (channels > 1 and page.planarconfig != 1, "separate planes", "interleaved samples"),
        (
            page.compression not in (_PLAIN, _LZW, *_DEFLATE, _PACKBITS),
            f"compression {page.compression}",
            "none, LZW, Deflate and PackBits",
        ),
        (page.imagedepth != 1, f"{page.imagedepth} layers", "one"),
    ):
        if is_wrong:
            raise unsupported(f"a TIFF with {found} ({instead} can be read)")
    # tifffile would fill in what is missing, and allocate a tile of any size.
    expected = int(np.prod(page.chunked))
    if len(page.dataoffsets) != expected or 0 in page.databytecounts:
        raise damaged(f"it has {np.count_nonzero(page.databytecounts)} pieces of picture data, not {expected}")
    if page.is_tiled and page.tilewidth * page.tilelength > max(page.imagewidth * page.imagelength, _LARGE_TILE_PX):
        raise damaged(f"its tiles are {page.tilewidth}x{page.tilelength} px, larger than the picture")


def _lzw_samples(data: bytes, page: Any, alpha: str | None) -> Samples:
    """Decode LZW, which tifffile leaves to others, where those do not touch the samples' values and order."""
    orientation = page.tags.valueof(274, default=1)
    if alpha or orientation != 1:
        raise unsupported("a TIFF compressed with LZW that has an alpha channel or is turned", "Save it with Deflate")
    if page.dtype == np.uint8:
        with PIL.Image.open(io.BytesIO(data)) as image:
            return np.asarray(image)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise damaged("libtiff cannot decode it to its last row")
    return decoded if decoded.ndim == 2 else _swapped(decoded)
