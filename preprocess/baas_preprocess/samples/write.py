"""Write a set of sample panoramas with their truth."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError
from baas_preprocess.samples.container import VARIANTS, Shot, encode
from baas_preprocess.samples.layout import plan
from baas_preprocess.samples.photos import check_photos
from baas_preprocess.samples.scene import Labelled, make_props, paint

_WIDTH_PX, _HEIGHT_PX = 8000, 4000
_LOWEST_PERSON_PX, _NARROWEST_PLATE_PX = 24, 10
"""What is smaller, because something hides it, is too small to judge: `ignore` in the truth."""

TRUTH = "annotations-coco.json"


def generate(
    folder: Path, *, count: int, seed: int = 0, on_done: Callable[[Path], None] = lambda _: None
) -> list[Path]:
    """Write `count` panoramas and their truth, `annotations-coco.json`, to a folder, which is made when absent.

    The same seed gives the same bytes, and panorama n is the same whatever the count. A panorama takes about 3 s of one
    core and half a gigabyte of memory. Raises `ConfigurationError` when the package with the photos is not installed or
    the folder cannot be written.
    """
    check_photos()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write(folder, count, seed, on_done)
    except OSError as error:
        raise ConfigurationError(
            f"The sample panoramas cannot be written to {folder}: {error.strerror}. Choose a folder with room for "
            f"{count * 5} MB that you may write to."
        ) from error


def _write(folder: Path, count: int, seed: int, on_done: Callable[[Path], None]) -> list[Path]:
    props = make_props(np.random.default_rng([seed]))
    paths: list[Path] = []
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        random = np.random.default_rng([seed, number])
        canvas, labelled = paint(plan(random, width_px=_WIDTH_PX, height_px=_HEIGHT_PX), props, random)
        variant = VARIANTS[(number - 1) % len(VARIANTS)]
        path = folder / f"panorama_{number:04d}.jpg"
        path.write_bytes(encode(canvas.picture, _shot(random, number), variant))
        images.append(
            {
                "id": number,
                "width": _WIDTH_PX,
                "height": _HEIGHT_PX,
                "file_name": path.name,
                "features": ["thumbnail", variant.name],
            }
        )
        annotations += [_annotation(one, number, len(annotations) + k) for k, one in enumerate(labelled, 1)]
        paths.append(path)
        on_done(path)
    truth = {
        "info": {"description": "Sample panoramas: drawn streets with people cut from photos", "seed": seed},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": k, "name": name} for k, name in enumerate(ObjectClass, 1)],
    }
    (folder / TRUTH).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return paths


def _shot(random: np.random.Generator, number: int) -> Shot:
    """Invent a place in Amsterdam."""
    return Shot(
        taken_at=datetime(2024, 5, 14, 10, 0, tzinfo=UTC) + timedelta(seconds=7 * number),
        latitude=float(random.uniform(52.35, 52.39)),
        longitude=float(random.uniform(4.86, 4.93)),
        heading=float(random.uniform(0, 360)),
    )


def _annotation(one: Labelled, image_id: int, number: int) -> dict[str, Any]:
    box = one.extent
    is_person = one.object_class is ObjectClass.PERSON
    return {
        "id": number,
        "image_id": image_id,
        "category_id": list(ObjectClass).index(one.object_class) + 1,
        "bbox": [round(v, 2) for v in (box.left, box.top, box.width, box.height)],
        "area": round(box.width * box.height, 2),
        "iscrowd": 0,
        "source": one.source,
        "seam": box.right > _WIDTH_PX,
        "ignore": box.height < _LOWEST_PERSON_PX if is_person else box.width < _NARROWEST_PLATE_PX,
    }
