"""From one format to another: read, check, leave out, resize, write."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.annotations import azureml, coco, files, pictures, yolo
from baas_detector.annotations.checking import without_bad
from baas_detector.annotations.findings import Finding
from baas_detector.annotations.model import AnnotationSet, Format
from baas_detector.annotations.reporting import Report, report
from baas_detector.annotations.resizing import Resize, resized

_TOLD = 10
SUBSETS = ("train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be written, and where."""

    to: Format
    output: Path
    """A JSON file, or YOLO's folder."""
    resize: Resize | None = None
    datastore: str | None = None
    """Azure ML's STORE or STORE/FOLDER."""
    classes: yolo.Classes = yolo.Classes.DETECTOR
    keep_category: bool = False
    metadata: Path | None = None
    """CSV with `image` and `subset`, which YOLO's lists of pictures are made of."""


def load(
    source: Path, *, source_format: Format | None = None, images: Path | None = None, strip: str | None = None
) -> tuple[AnnotationSet, Report]:
    """Read annotations and tell what is in them. Raises `ConfigurationError`, which names the file."""
    known = source_format or files.format_of(source)
    try:
        annotations = files.read(source, known, images=images, strip=strip)
    except ConfigurationError as error:
        raise ConfigurationError(f"{source}: {error}") from error
    return annotations, report(annotations, known)


def refuse_bad(source: Path, found: Report) -> None:
    """Raise `ConfigurationError` with a sentence for each of the first entries that cannot be converted."""
    bad = found.stopping
    if not bad:
        return
    told = [f"  {one.sentence}" for one in bad[:_TOLD]]
    if len(bad) > _TOLD:
        told.append(f"  … and {len(bad) - _TOLD} more; --json lists all")
    head, tail = f"{source} cannot be converted:", "Correct it, or leave such entries out with --drop-bad FILE."
    raise ConfigurationError("\n".join((head, *told, tail)))


def leave_out_bad(annotations: AnnotationSet, listing: Path) -> tuple[AnnotationSet, tuple[Finding, ...]]:
    """Return what can be converted and is not huge; the list of the rest is written as JSON."""
    kept, left_out = without_bad(annotations)
    files.write_json(listing, [one.document() for one in left_out])
    return kept, left_out


def check_output(source: Path, output: Path, to: Format, *, force: bool) -> None:
    """Raise `ConfigurationError` when writing would destroy something."""
    taken = [output / yolo.DATA, output / yolo.LABELS] if to is Format.YOLO else [output]
    folder = source if source.is_dir() else source.parent
    if output.resolve() == (folder if to is Format.YOLO else source).resolve() and source.exists():
        raise ConfigurationError(f"{output} is where the annotations come from: give another --output.")
    found = next((path for path in taken if path.exists()), None)
    if found is not None and not force:
        raise ConfigurationError(f"{found} is there already: give another --output, or --force to replace it.")


def check_pictures(annotations: AnnotationSet, output: Path, *, force: bool) -> None:
    """Raise `ConfigurationError` when a picture is there already where one is to be written."""
    found = next((image.name for image in annotations.images if (output / image.name).exists()), None)
    if found is not None and not force:
        raise ConfigurationError(f"{output / found} is there already: give another --output-images, or --force.")


def save(annotations: AnnotationSet, wish: Wish) -> Mapping[str, int]:
    """Write annotations, resized if wished; return how many objects of which category YOLO has no class for.

    Raises `ConfigurationError` when YOLO's files cannot be made of them.
    """
    annotations = resized(annotations, wish.resize) if wish.resize else annotations
    match wish.to:
        case Format.COCO:
            files.write_json(wish.output, coco.write(annotations))
        case Format.AZUREML:
            files.write_json(wish.output, azureml.write(annotations, datastore=wish.datastore))
        case Format.YOLO:
            subsets = None if wish.metadata is None else _subsets(annotations, wish.metadata)
            written = yolo.write(annotations, classes=wish.classes, keep_category=wish.keep_category, subsets=subsets)
            files.write_folder(wish.output, written.texts)
            return written.left_out
    return {}


def save_pictures(annotations: AnnotationSet, resize: Resize | None, source: Path, output: Path) -> Iterator[str]:
    """Write the pictures in their new sizes, and give the name of each. Raises as `pictures.write_resized`."""
    sizes = files.size_list(resized(annotations, resize) if resize else annotations)
    return pictures.write_resized(source, output, sizes)


def _subsets(annotations: AnnotationSet, metadata: Path) -> dict[str, list[str]]:
    """Return the names of pictures by subset; those without one are in none."""
    rows = list(csv.DictReader(io.StringIO(files.read_text(metadata), newline="")))
    if not rows or not {"image", "subset"} <= rows[0].keys():
        raise ConfigurationError(f"{metadata} has no columns image and subset: `baas-detector metadata` writes them.")
    chosen = {row["image"]: row["subset"] for row in rows}
    found = {subset: [one.name for one in annotations.images if chosen.get(one.name) == subset] for subset in SUBSETS}
    empty = [subset for subset in ("train", "val") if not found[subset]]
    if empty:
        raise ConfigurationError(f"By {metadata} no picture is in {' or in '.join(empty)}: training needs both.")
    return {subset: names for subset, names in found.items() if names}
