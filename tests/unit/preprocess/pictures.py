"""Small pictures with much detail, in every coding that can be published: `coded` maps a sentence to a file.

Everything is drawn here; `files.py` adds metadata to pictures.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
import tifffile

from baas_crds.codes import ObjectClass
from baas_preprocess import libjpeg
from baas_preprocess.facts import Box, Digest, Inspection, Mask, Pixels, Region
from baas_preprocess.inspection import inspect
from baas_preprocess.outside import Digesting, cell_grids

Samples = npt.NDArray[Any]
Coefficients = dict[tuple[int, int], libjpeg.Blocks]
"""The blocks of each row, by component and row."""

SAMPLINGS: Mapping[str, int] = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:4:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    "4:1:1": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
}


def street(width: int = 187, height: int = 93, seed: int = 0) -> Pixels:
    """Draw a sky, a rough road, bright things and a line of letters; neither side is a multiple of eight."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    drawn = np.stack([rows * 255 // height, columns * 255 // width, 255 - rows * 255 // height], axis=2)
    drawn += random.integers(-20, 20, drawn.shape)
    pixels: Pixels = np.clip(drawn, 0, 255).astype(np.uint8)
    for _ in range(6):
        left, top = int(random.integers(0, width)), int(random.integers(0, height))
        colour = tuple(int(part) for part in random.integers(0, 256, 3))
        cv2.rectangle(pixels, (left, top), (left + width // 6, top + height // 4), colour, -1)
    cv2.putText(pixels, "12-AB-34", (width // 5, height // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (250, 240, 10), 2)
    return pixels


def deep(pixels: Pixels) -> Samples:
    """Make 16-bit samples of all values from 8-bit ones."""
    noise = np.random.default_rng(1).integers(0, 256, pixels.shape)
    return (pixels.astype(np.uint16) * 256 + noise).astype(np.uint16)


def grey(pixels: Samples) -> Samples:
    """(height, width): the green channel."""
    return np.ascontiguousarray(pixels[..., 1])


def with_alpha(pixels: Samples) -> Samples:
    """Add a channel that says that all is opaque."""
    return np.concatenate([pixels, np.full_like(pixels[..., :1], np.iinfo(pixels.dtype).max)], axis=2)


def see_through(pixels: Samples) -> Samples:
    """Add an alpha channel that is different everywhere."""
    return np.concatenate([pixels, np.flip(pixels[..., :1], axis=1)], axis=2)


def jpeg(
    pixels: Samples,
    *,
    sampling: str = "4:2:0",
    progressive: bool = False,
    restart: int = 0,
    quality: int = 90,
    optimised: bool = False,
) -> bytes:
    """Code a JPEG; (height, width) gives a grey one. `restart` is in MCUs; `optimised` are its Huffman tables."""
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_PROGRESSIVE,
        int(progressive),
        cv2.IMWRITE_JPEG_RST_INTERVAL,
        restart,
        cv2.IMWRITE_JPEG_OPTIMIZE,
        int(optimised),
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        SAMPLINGS[sampling],
    ]
    return _opencv(".jpg", pixels, options)


def by_pillow(pixels: Samples, file_format: str, mode: str | None = None, **options: Any) -> bytes:
    """Code a picture by Pillow, in one of its modes and with its options."""
    picture = PIL.Image.fromarray(pixels)
    written = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(written, file_format, **options)
    return written.getvalue()


def png(samples: Samples) -> bytes:
    """Code a PNG of 8 or 16 bits: grey (height, width), RGB, or RGB with alpha."""
    return _opencv(".png", samples, [])


def tiff(samples: Samples, **options: Any) -> bytes:
    """Code a TIFF of 8 or 16 bits by tifffile, with its options."""
    written = io.BytesIO()
    colours = "rgb" if samples.ndim == 3 else "minisblack"
    extra: dict[str, Any] = {"extrasamples": ["unassalpha"]} if samples.ndim == 3 and samples.shape[2] == 4 else {}
    tifffile.imwrite(written, samples, **({"photometric": colours, "metadata": None} | extra | options))
    return written.getvalue()


def lzw_tiff(samples: Samples) -> bytes:
    """Code a TIFF with LZW, which is OpenCV's default."""
    return _opencv(".tiff", samples, [])


def coded(width: int = 187, height: int = 93) -> dict[str, bytes]:
    """Code one drawing in every way that can be published, by what is special about it."""
    pixels = street(width, height)
    return {
        **{
            f"{'progressive ' if slow else ''}JPEG {name}": jpeg(pixels, sampling=name, progressive=slow)
            for name in SAMPLINGS
            for slow in (False, True)
        },
        "JPEG with restart markers": jpeg(pixels, restart=3),
        "grey JPEG": jpeg(grey(pixels)),
        "progressive grey JPEG": jpeg(grey(pixels), progressive=True),
        "JPEG of RGB components": by_pillow(pixels, "JPEG", keep_rgb=True, subsampling=0),
        "JPEG of quality 100": jpeg(pixels, quality=100, sampling="4:4:4"),
        "JPEG of quality 10": jpeg(pixels, quality=10),
        "PNG": png(pixels),
        "grey PNG": png(grey(pixels)),
        "PNG with alpha": png(with_alpha(pixels)),
        "PNG of grey with alpha": by_pillow(pixels, "PNG", "LA"),
        "PNG of 16 bits": png(deep(pixels)),
        "grey PNG of 16 bits": png(grey(deep(pixels))),
        "PNG of 16 bits with alpha": png(with_alpha(deep(pixels))),
        "PNG with a palette": by_pillow(pixels, "PNG", "P"),
        "PNG of 1 bit": by_pillow(pixels, "PNG", "1"),
        "TIFF": tiff(pixels),
        "grey TIFF": tiff(grey(pixels)),
        "TIFF of 16 bits": tiff(deep(pixels)),
        "grey TIFF of 16 bits": tiff(grey(deep(pixels))),
        "TIFF with alpha": tiff(with_alpha(pixels)),
        "TIFF with Deflate and a predictor": tiff(pixels, compression="zlib", predictor=2),
        "TIFF in tiles": tiff(pixels, tile=(32, 32), compression="zlib"),
        "big-endian TIFF of 16 bits": tiff(deep(pixels), byteorder=">"),
        "TIFF with LZW": lzw_tiff(pixels),
        "TIFF of 16 bits with LZW": lzw_tiff(deep(pixels)),
        "TIFF with PackBits": by_pillow(pixels, "TIFF", compression="packbits"),
    }


def inspected(data: bytes) -> Inspection:
    """Inspect without a limit of size."""
    return inspect(data, max_pixels=10**9)


def coefficients(data: bytes) -> Coefficients:
    """Read all blocks of a JPEG."""
    read: Coefficients = {}
    libjpeg.edit(data, libjpeg.Output(lambda part, row, blocks: read.update({(part, row): blocks.copy()})))
    return read


def outside_digest(data: bytes, mask: Mask) -> Digest:
    """Digest of all coefficients of a JPEG outside the mask, as `redact` and `verify` come by it."""
    frame = libjpeg.read_frame(data)
    grids = cell_grids(frame, mask)

    outside = Digesting(frame)

    def clear(component: int, row: int, blocks: libjpeg.Blocks) -> None:
        blocks[grids[component][row] >= 0] = 0
        outside.add(blocks)

    libjpeg.edit(data, libjpeg.Output(clear, is_written=False))
    return outside.digest


def region(left: float, top: float, right: float, bottom: float) -> Region:
    """A person in this box."""
    return Region(box=Box(left, top, right, bottom), object_class=ObjectClass.PERSON, score=0.9, detections=1)


def _opencv(extension: str, samples: Samples, options: Sequence[int]) -> bytes:
    swapped = samples if samples.ndim == 2 else samples[..., [2, 1, 0, 3][: samples.shape[2]]]
    done, written = cv2.imencode(extension, np.ascontiguousarray(swapped), options)
    assert done
    return written.tobytes()
