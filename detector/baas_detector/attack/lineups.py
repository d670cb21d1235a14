"""Line-ups: one who is shown redacted, among many candidates. Who is it?

Prepared once for each size, unredacted, and then tried with each redaction.
"""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from baas_detector.attack import persons, plates
from baas_detector.attack.matching import Features, features, learned, ranks, without_light
from baas_detector.attack.redactions import Redaction
from baas_detector.attack.results import Attack, Result
from baas_detector.attack.sheets import Layout, Sheet, surroundings, write_sheets
from baas_detector.checks import Tile
from baas_detector.contract import DetectedClass

Restore: TypeAlias = Callable[[Tile], Tile]

_CANDIDATES, _SAME, _OTHER, _TRIED = "candidates", "same", "other", "tried"
SAME, OTHER = "same picture", "another picture"
RANKS = (1, 10)
PLATES_TRIED = 600
"""So many plates the attacker photographs himself, to learn what light and angle do."""
TIMES_EACH_PERSON_TRIED = 3
MOST_RESTORED = 50
"""Deconvolution takes long: it is tried on so many at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUp:
    """Unredacted sheets of candidates, and of those who are shown."""

    attack: Attack
    group: str
    object_class: DetectedClass
    folder: Path
    padding: float
    sheets: Mapping[str, Sequence[Sheet]]
    shown: npt.NDArray[np.int_]
    """(shown,): which candidate each one is."""
    tried: npt.NDArray[np.int_]
    """(tried,): which candidates the attacker photographed and redacted himself."""

    @property
    def candidates(self) -> int:
        return sum(sheet.crops for sheet in self.sheets[_CANDIDATES])

    def try_redaction(self, redaction: Redaction, restores: Mapping[str, Restore]) -> list[Result]:
        """Redact all sheets, and rank the candidates for each one who is shown.

        With the same picture the attacker takes the nearest; with another one he has learned what pictures differ by.
        A restored one is compared with the candidates as they were before redaction.
        """
        redacted = self.folder.with_name(f"{self.folder.name}-{redaction.name}")
        shutil.copytree(self.folder, redacted)
        try:
            sheets = [sheet for some in self.sheets.values() for sheet in some]
            boxes = [box for sheet in sheets for box in sheet.wanted(self.object_class)]
            redaction.apply(redacted, boxes, self.padding)
            found = {role: self._features(role, redacted) for role in self.sheets}
            transform = learned(found[_CANDIDATES], found[_TRIED], self.tried)
            tries = {
                SAME: (found[_SAME], found[_CANDIDATES]),
                OTHER: (transform(found[_OTHER]), transform(found[_CANDIDATES])),
            }
            before = without_light(self._features(_CANDIDATES, self.folder)) if restores else found[_SAME]
            for name, restore in restores.items():
                tries[name] = (without_light(self._features(_SAME, redacted, restore)), before)
            return [
                result
                for condition, (shown, candidates) in tries.items()
                for result in self._results(redaction, condition, shown, candidates)
            ]
        finally:
            shutil.rmtree(redacted, ignore_errors=True)

    def _features(self, role: str, folder: Path, restore: Restore | None = None) -> Features:
        windows = (window for sheet in self.sheets[role] for window in sheet.windows(folder))
        some: Iterable[Tile] = windows if restore is None else map(restore, _first(windows, MOST_RESTORED))
        # A plate's colours say nothing of its text.
        return features(some, is_grey=self.object_class is DetectedClass.LICENCE_PLATE)

    def _results(
        self,
        redaction: Redaction,
        condition: str,
        shown: Features,
        candidates: Features,
    ) -> list[Result]:
        guesses = ranks(shown, candidates, self.shown[: len(shown)])
        return [
            Result(
                attack=self.attack,
                redaction=redaction.name,
                group=self.group,
                condition=condition,
                rank=rank,
                hits=int((guesses < rank).sum()),
                total=len(guesses),
                chance=rank / self.candidates,
            )
            for rank in RANKS
        ]


def plates_line_up(
    folder: Path, width_px: int, *, candidates: int, shown: int, padding: float, random: np.random.Generator
) -> LineUp:
    """Render invented plates in one width, and photograph some of them."""
    layout = Layout(width=width_px, height=plates.height_of(width_px), padding=padding)
    texts = plates.texts(candidates, random)
    who = random.choice(candidates, shown, replace=False)
    tried = random.choice(candidates, PLATES_TRIED)

    def photographed(chosen: npt.NDArray[np.int_]) -> Iterable[Tile]:
        return (plates.photographed(plates.drawn(texts[one], width_px), width_px, random) for one in chosen)

    def front(chosen: Iterable[int]) -> Iterable[Tile]:
        return (plates.shown(plates.drawn(texts[one], width_px), width_px) for one in chosen)

    crops = {
        _CANDIDATES: front(range(candidates)),
        _SAME: front(who),
        _OTHER: photographed(who),
        _TRIED: photographed(tried),
    }
    return LineUp(
        attack=Attack.READ,
        group=f"{width_px} px wide",
        object_class=DetectedClass.LICENCE_PLATE,
        folder=folder,
        padding=padding,
        sheets=_written(folder, crops, layout, random),
        shown=who,
        tried=tried,
    )


def persons_line_up(
    folder: Path, people: Sequence[Tile], height_px: int, *, padding: float, random: np.random.Generator
) -> LineUp:
    """Bring persons to one height; each is shown once as in the picture, and once as in another one."""
    layout = Layout(width=persons.width_of(height_px), height=height_px, padding=padding)
    # Shuffled, so that nobody has the same neighbours as among the candidates.
    who = random.permutation(len(people))
    tried = random.permutation(np.repeat(np.arange(len(people)), TIMES_EACH_PERSON_TRIED))
    crops = {
        _CANDIDATES: (persons.shown(person, height_px) for person in people),
        _SAME: (persons.shown(people[one], height_px) for one in who),
        _OTHER: (persons.in_another_picture(people[one], height_px, random) for one in who),
        _TRIED: (persons.in_another_picture(people[one], height_px, random) for one in tried),
    }
    return LineUp(
        attack=Attack.MATCH,
        group=f"{height_px} px high",
        object_class=DetectedClass.PERSON,
        folder=folder,
        padding=padding,
        sheets=_written(folder, crops, layout, random),
        shown=who,
        tried=tried,
    )


def _written(
    folder: Path, crops: Mapping[str, Iterable[Tile]], layout: Layout, random: np.random.Generator
) -> dict[str, Sequence[Sheet]]:
    folder.mkdir()
    around = surroundings(layout, random)
    return {role: write_sheets(folder, role, some, layout, around) for role, some in crops.items()}


def _first(windows: Iterable[Tile], most: int) -> Iterable[Tile]:
    return (window for _, window in zip(range(most), windows, strict=False))
