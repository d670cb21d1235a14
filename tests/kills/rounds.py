"""Kills at random instants: a run is killed, judged and started again, over and over, until it comes to its end."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

from tests.kills.processes import KILLED
from tests.kills.scene import PUBLISHED, Place, Scene


@dataclass(slots=True)
class Figures:
    """How many kills there were, and what they hit."""

    kills: int = 0
    runs: int = 0
    """So many came to their end at last, with everything as in an undisturbed run."""
    before_the_first: int = 0
    """Kills that left nothing at the destination yet."""
    unfinished: int = 0
    """Kills that left an unfinished file."""
    unrecorded: int = 0
    """Kills that left a picture at the destination of which the ledger did not know."""
    after_the_last: int = 0
    """Kills when all was published and recorded."""
    seconds: float = 0

    def __str__(self) -> str:
        """Tell it in a sentence."""
        return (
            f"{self.kills} kills of {self.runs} runs in {self.seconds:.0f} s ({self.seconds / self.kills:.2f} s each, "
            f"checks included): {self.before_the_first} before anything was published, {self.unfinished} with an "
            f"unfinished file, {self.unrecorded} with a published picture that was not recorded yet, "
            f"{self.after_the_last} after the last picture"
        )


def kill_at_random(scene: Scene, folder: Path, kills: int, seed: int) -> Figures:
    """Kill runs into fresh places below a folder, and check each of them after each kill and at its end.

    The instants are uniform over the time that an undisturbed run takes here. Raises `AssertionError` when something
    does not hold.
    """
    generator = random.Random(seed)  # noqa: S311 - instants, not secrets
    began = time.monotonic()
    longest = _run_to_its_end(scene, Place(folder / "timed", folder / "timed-masks"))
    figures = Figures()
    while figures.kills < kills:
        place = Place(folder / f"run-{figures.runs}", folder / f"run-{figures.runs}-masks")
        while figures.kills < kills and _was_killed(scene, place, generator.uniform(0, longest)):
            _count(figures, scene, place)
        _run_to_its_end(scene, place)
        figures.runs += 1
    figures.seconds = time.monotonic() - began
    return figures


def _was_killed(scene: Scene, place: Place, seconds: float) -> bool:
    """Start or continue a run and kill it after so many seconds; return False when it has ended before."""
    call = scene.blur(place)
    return call.ended(seconds) is None and call.kill() == KILLED


def _run_to_its_end(scene: Scene, place: Place) -> float:
    """Start or continue a run and check what comes of it; return how many seconds it took."""
    began = time.monotonic()
    call = scene.blur(place)
    call.ended()
    took = time.monotonic() - began
    scene.judge_finished(place, call)
    return took


def _count(figures: Figures, scene: Scene, place: Place) -> None:
    seen = scene.judge_killed(place)
    figures.kills += 1
    figures.before_the_first += not seen.written
    figures.unfinished += seen.unfinished > 0
    figures.unrecorded += seen.written > seen.recorded
    figures.after_the_last += seen.recorded == len(PUBLISHED)
