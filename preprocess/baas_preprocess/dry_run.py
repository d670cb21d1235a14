"""What `baas blur` would do, found out without a detector and without writing anything."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_preprocess.given_source import open_given
from baas_preprocess.inspection import inspect
from baas_preprocess.selection import Selection
from baas_preprocess.settings import Settings
from baas_preprocess.stores.places import Entry, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What would happen to one picture, as far as its bytes tell."""

    name: str
    size_bytes: int
    coding: str = ""
    excluded: str | None = None
    reason: QuarantineReason | None = None
    message: str = ""


def foresee(places: Sequence[str], selection: Selection, settings: Settings) -> Iterator[Foreseen]:
    """Look at every picture of a source, or of the sample. Raises `ConfigurationError` when there is none."""
    if selection.redo_model is not None:
        raise ConfigurationError(
            "--dry-run looks into no ledger: `baas plan DEST --redo-model DIGEST` tells what would be done again."
        )
    if selection.keep_earlier:
        raise ConfigurationError(
            "--dry-run looks into no ledger: `baas earlier list DEST` tells what the earlier service's is and stays."
        )
    empty = True
    with open_given(places, settings) as source:
        for entry in source.entries():
            empty = False
            if not selection.is_sampled(entry.name):
                continue
            yield _foresee(source, entry, selection, settings.recipe.max_pixels)
    if empty:
        raise ConfigurationError(f"There are no pictures in {', '.join(places)}.")


def totals(foreseen: Sequence[Foreseen]) -> Counter[str]:
    """Count by `to do`, `excluded` and quarantine reason."""
    return Counter(one.reason or ("excluded" if one.excluded else "to do") for one in foreseen)


def _foresee(source: Source, entry: Entry, selection: Selection, max_pixels: int) -> Foreseen:
    try:
        if entry.problem is not None:
            raise entry.problem
        if (excluded := selection.refusal(entry.name)) is not None:
            return Foreseen(name=entry.name, size_bytes=entry.size_bytes, excluded=excluded)
        seen = inspect(source.read(entry.name, entry.version), max_pixels=max_pixels)
        coding = f"{seen.width_px}x{seen.height_px} {seen.coding}"
        return Foreseen(name=entry.name, size_bytes=entry.size_bytes, coding=coding)
    except NotPublishable as error:
        return Foreseen(name=entry.name, size_bytes=entry.size_bytes, reason=error.reason, message=str(error))
