"""Panoramas of a camera's size for benchmarks: drawn streets with the noise of a sensor, 8000x4000 and about 8 MB.

Drawn surfaces are smoother than photographed ones: without noise the files have half the size, and as much less
Huffman coding.
"""

import io
from pathlib import Path

import numpy as np
import PIL.Image

from baas_preprocess import libjpeg
from baas_preprocess.container import jpeg
from baas_preprocess.samples import generate

# Grey levels, the same for all channels: makes 8 MB at this quality.
NOISE, QUALITY = 3.3, 92


def write_panoramas(folder: Path, count: int) -> list[Path]:
    """Write panoramas with the metadata that `baas sample-panoramas` gives them, an Exif thumbnail among it."""
    paths = generate(folder, count=count)
    for number, path in enumerate(paths):
        path.write_bytes(_with_noise(path.read_bytes(), np.random.default_rng(number)))
    return paths


def _with_noise(data: bytes, random: np.random.Generator) -> bytes:
    pixels = libjpeg.decode(data)
    noise = random.normal(0, NOISE, (*pixels.shape[:2], 1)).astype(np.float32)
    written = io.BytesIO()
    noisy = np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)
    PIL.Image.fromarray(noisy).save(written, "JPEG", quality=QUALITY, subsampling="4:2:0")
    coded = written.getvalue()
    metadata = [s for s in jpeg.walk(data).segments if s.marker in jpeg.APP]
    picture = [s for s in jpeg.walk(coded).segments if s.marker in jpeg.PICTURE]
    return jpeg.assembled([*(data[s.start : s.end] for s in metadata), *(coded[s.start : s.end] for s in picture)])
