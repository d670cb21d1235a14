"""What does one lossless edit cost beside a bare lossless transcode of the same JPEG?

CPU seconds, not time: others may be at work on the machine. All is measured in one process of its own, whose memory is
handed out as in the worker's image.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from baas_crds.codes import ObjectClass
from baas_preprocess.facts import Box, Inspection, Method, Region
from baas_preprocess.inspection import inspect
from baas_preprocess.mask import mask
from baas_preprocess.recipe import Recipe
from baas_preprocess.redact import redact
from baas_preprocess.scrub import scrub
from baas_preprocess.verify import verify
from tests.benchmarks import bare_libjpeg
from tests.benchmarks.options import Options
from tests.benchmarks.rounds import Finding, Outcome, alternate, ratios
from tests.benchmarks.street_pictures import write_panoramas

BOXES = 50
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""As in images/preprocess/Dockerfile: a pass over coefficients allocates 96 MB, page by page of 4 KiB otherwise."""
BARE, EDIT, WHOLE, CHECK = "transcode", "edit", "whole", "verify"


def measure(options: Options) -> Outcome:
    """Edit one picture with fifty boxes."""
    with tempfile.TemporaryDirectory() as temporary:
        (path,) = write_panoramas(Path(temporary), 1)
        size = path.stat().st_size
        with_huge, without = (_in_own_process(path, options.rounds, more) for more in (HUGE_PAGES, {}))
    milliseconds = {name: [1e3 * value for value in values] for name, values in with_huge.items()}
    return Outcome(
        title="Redaction: one lossless edit beside a bare lossless transcode",
        findings=[
            Finding(
                what="one edit (`redact`), times a bare transcode",
                values=ratios(with_huge[EDIT], with_huge[BARE]),
                unit="x",
                at_most=1.15,
            ),
            Finding(
                what="mask, edit, scrub with a new thumbnail and verify, times a bare transcode",
                values=ratios(with_huge[WHOLE], with_huge[BARE]),
                unit="x",
            ),
            Finding(what="bare transcode (`tjTransform` without a callback)", values=milliseconds[BARE], unit="ms"),
            Finding(what="one edit", values=milliseconds[EDIT], unit="ms"),
            Finding(what="verify", values=milliseconds[CHECK], unit="ms"),
            Finding(
                what="bare transcode with pages of 4 KiB, times that with huge ones",
                values=ratios(without[BARE], with_huge[BARE]),
                unit="x",
            ),
        ],
        notes=[
            f"8000x4000 px, {size / 1e6:.1f} MB, baseline 4:2:0, {BOXES} boxes of 20 to 300 px height.",
            "CPU time of one process, each contestant in turn. `jpegtran` calls the same library.",
        ],
    )


def fifty_boxes(inspection: Inspection) -> list[Region]:
    """Persons of many sizes along the horizon, the same each time."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(BOXES):
        height = random.uniform(20, 300)
        left, top = random.uniform(0, inspection.width_px - 1), random.uniform(0.45, 0.6) * inspection.height_px
        box = Box(left, top, left + 0.4 * height, top + height)
        found.append(Region(box=box, object_class=ObjectClass.PERSON, score=0.9, detections=1))
    return found


def _in_own_process(path: Path, rounds: int, more: dict[str, str]) -> dict[str, list[float]]:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.redaction", str(path), str(rounds)],
        env={**os.environ, **more},
        check=True,
        stdout=subprocess.PIPE,
    )
    return dict(json.loads(ran.stdout))


def _seconds(path: Path, rounds: int) -> dict[str, list[float]]:
    data, recipe = path.read_bytes(), Recipe()
    inspection = inspect(data, max_pixels=recipe.max_pixels)
    regions = fifty_boxes(inspection)
    made = mask(regions, inspection, padding=recipe.padding, cells=recipe.cells)
    redacted = redact(data, inspection, made, Method.FILL)
    finished = scrub(redacted.data, data, inspection)

    def check() -> None:
        found = inspect(finished, max_pixels=recipe.max_pixels)
        verify(finished, found=found, source=inspection, mask=made, redacted=redacted)

    def whole() -> None:
        mask(regions, inspection, padding=recipe.padding, cells=recipe.cells)
        redact(data, inspection, made, Method.FILL)
        scrub(redacted.data, data, inspection, redacted.levels)
        check()

    return alternate(
        {
            BARE: partial(cpu_seconds, partial(bare_libjpeg.transcode, data)),
            EDIT: partial(cpu_seconds, partial(redact, data, inspection, made, Method.FILL)),
            WHOLE: partial(cpu_seconds, whole),
            CHECK: partial(cpu_seconds, check),
        },
        rounds,
    )


def cpu_seconds(do: Callable[[], object]) -> float:
    """Return the seconds of CPU that this process, with all its threads, spends on something."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    do()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    print(json.dumps(_seconds(Path(sys.argv[1]), int(sys.argv[2]))))
