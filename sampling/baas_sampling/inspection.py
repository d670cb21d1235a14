"""Which images people look at: drawn by stratum, the same for the same seed, and their worklist. Pure."""

import csv
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COLUMNS = ("row", "image", "stratum", "stratum_images", "missed", "remark")
"""Of the worklist. Inspectors fill in the last two. The row is `17 of 236`, so that none can get lost unnoticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One image to look at."""

    image: str
    stratum: str
    stratum_images: int
    """How many images its stratum has."""


def draw(images: Mapping[str, Sequence[str]], size: int, *, seed: int) -> list[Task]:
    """Draw `size` images of each stratum, all of a smaller one, in an order that tells nothing.

    `images` are names by stratum. Neither their order nor other strata change what is drawn.
    """
    tasks: list[Task] = []
    for stratum, names in sorted(images.items()):
        # A generator of its own: another stratum more does not change this one.
        chance = random.Random(f"{seed} {stratum}")  # noqa: S311 - a sample, not a secret
        drawn = chance.sample(sorted(names), min(size, len(names)))
        tasks += [Task(image=name, stratum=stratum, stratum_images=len(names)) for name in drawn]
    random.Random(seed).shuffle(tasks)  # noqa: S311 - the same
    return tasks


def worklist_text(tasks: Sequence[Task], missed: Mapping[str, int] | None = None) -> str:
    """Return the worklist as CSV; `missed` tells of images that were looked at how many misses they have."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        (
            f"{number} of {len(tasks)}",
            task.image,
            task.stratum,
            task.stratum_images,
            (missed or {}).get(task.image, ""),
            "",
        )
        for number, task in enumerate(tasks, 1)
    )
    return written.getvalue()


def tasks_of(worklist: str) -> list[Task]:
    """Return the images of a worklist in its order, whatever was filled in. Raises `ValueError` when it is none."""
    reader = csv.DictReader(io.StringIO(worklist.removeprefix("\ufeff"), newline=""))
    missing = [column for column in COLUMNS[:4] if column not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(f"it has no column {' and no column '.join(missing)}")
    tasks: list[Task] = []
    for row in reader:
        images = row["stratum_images"] or ""
        if not (row["image"] and images.isdecimal()):
            raise ValueError(f"line {reader.line_num}: it needs an image, and stratum_images as a number")
        tasks.append(Task(image=row["image"], stratum=row["stratum"] or "", stratum_images=int(images)))
    return tasks
