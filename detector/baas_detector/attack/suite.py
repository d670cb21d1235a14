"""The attacks in order. Nothing of what is made on the way is left behind."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from baas_crds.errors import ConfigurationError
from baas_detector.attack.finding import Gallery
from baas_detector.attack.lineups import LineUp, Restore, persons_line_up, plates_line_up
from baas_detector.attack.persons import persons
from baas_detector.attack.redactions import Method, Redaction
from baas_detector.attack.restoring import ATTEMPTS, restored
from baas_detector.attack.results import Result
from baas_detector.checks import graph_as_served, with_openvino


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is attacked, and with what."""

    persons: tuple[Path, ...]
    """COCO files with labelled persons. Without any, no person is looked for."""
    plates: tuple[Path, ...]
    """COCO files with labelled plates, for the detector alone: the plates that are read are invented."""
    repository: Path | None
    """The detector's model. Without it, the detector does not look."""
    redactions: tuple[Redaction, ...]
    candidates: int
    shown: int
    """So many plates of each width are shown redacted."""
    plate_widths_px: tuple[int, ...]
    person_heights_px: tuple[int, ...]
    padding: float
    restores: bool
    """Whether restoration is tried, too."""
    seed: int

    def document(self) -> dict[str, Any]:
        """Return what decides the results as plain data, without the names of files."""
        numbers = ("candidates", "shown", "plate_widths_px", "person_heights_px", "padding", "restores", "seed")
        return {
            "redactions": [one.name for one in self.redactions],
            **{name: getattr(self, name) for name in numbers},
        }

    @property
    def steps(self) -> int:
        """How often `Progress.step` will be called."""
        heights = len(self.person_heights_px) if self.persons else 0
        detector = 1 if self.repository is not None else 0
        return (len(self.plate_widths_px) + heights + detector) * len(self.redactions)


class Progress(Protocol):
    """Who is told how far it is."""

    def begin(self, what: str) -> None:
        """Something begins."""

    def step(self) -> None:
        """One redaction was tried."""


def attack(plan: Plan, progress: Progress) -> list[Result]:
    """Try every redaction in every way. The same plan gives the same results.

    Raises `ConfigurationError` for unusable files, too few persons, or a program that is missing.
    """
    with tempfile.TemporaryDirectory(prefix="baas-attack-") as name:
        folder = Path(name)
        results = _find(plan, folder, progress) if plan.repository is not None else []
        for width in plan.plate_widths_px:
            progress.begin(f"Plates {width} px wide")
            random = np.random.default_rng((plan.seed, width))
            line_up = plates_line_up(
                folder / f"plates-{width}",
                width,
                candidates=plan.candidates,
                shown=plan.shown,
                padding=plan.padding,
                random=random,
            )
            results += _try_all(line_up, plan, progress)
        people = persons(plan.persons)
        if len(people) < 2 and plan.persons:
            raise ConfigurationError("Fewer than two persons are labelled: nobody can be told apart.")
        for height in plan.person_heights_px if people else ():
            progress.begin(f"Persons {height} px high")
            random = np.random.default_rng((plan.seed, height))
            line_up = persons_line_up(folder / f"persons-{height}", people, height, padding=plan.padding, random=random)
            results += _try_all(line_up, plan, progress)
    return results


def _find(plan: Plan, folder: Path, progress: Progress) -> list[Result]:
    if plan.repository is None or not (plan.persons or plan.plates):
        return []
    progress.begin("The detector")
    find = with_openvino(*graph_as_served(plan.repository))
    gallery = Gallery.copied(folder / "pictures", plan.persons, plan.plates)
    results: list[Result] = []
    for redaction in plan.redactions:
        results += gallery.try_redaction(redaction, find, _restores(plan, redaction), plan.padding)
        progress.step()
    return results


def _try_all(line_up: LineUp, plan: Plan, progress: Progress) -> list[Result]:
    results: list[Result] = []
    for redaction in plan.redactions:
        results += line_up.try_redaction(redaction, _restores(plan, redaction))
        progress.step()
    return results


def _restores(plan: Plan, redaction: Redaction) -> Mapping[str, Restore]:
    if not plan.restores or redaction.method is Method.NONE:
        return {}
    return {name: partial(restored, redaction=redaction, attempt=attempt) for name, attempt in ATTEMPTS.items()}
