"""The second look with a real Triton: what the first look missed is found, wherever it stands."""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from baas_crds.codes import ExitCode, ObjectClass, QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.detect import Detector, Model, TritonDetector
from baas_preprocess.facts import Pixels
from baas_preprocess.recipe import Recipe
from baas_preprocess.second_look import COVERED, MOST_LOOKS, SURE, covered_share
from baas_preprocess.way import make_safe

from .conftest import Ended
from .test_blur import published

Baas = Callable[..., Ended]

# What is hard to see differs between machines; these are the persons that none can miss.
SURELY = {ObjectClass.PERSON: 0.5}


class Blind:
    """The real detector, but blind for everything at its first looks."""

    def __init__(self, detector: Detector, *, looks: int) -> None:
        self.detector = detector
        self.blind = looks
        self.looks = 0

    @property
    def model(self) -> Model:
        return self.detector.model

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        self.looks += 1
        found = self.detector.detect(shown)
        return [rows[:0] for rows in found] if self.looks <= self.blind else found


class Restless:
    """Sees somebody else at each look."""

    def __init__(self, detector: Detector) -> None:
        self.model = detector.model
        self.looks = 0

    def detect(self, shown: Sequence[Pixels]) -> list[npt.NDArray[np.float32]]:
        self.looks += 1
        top = 60 * self.looks
        return [np.array([[180, top, 220, top + 30, SURE, 0]], np.float32) for _ in shown]


@pytest.fixture(scope="module")
def detector(triton: str) -> Iterator[TritonDetector]:
    with TritonDetector(triton) as connected:
        yield connected


def panorama(photo: bytes) -> bytes:
    """A panorama of the photo, turned so that the seam goes through one of the persons."""
    whole = np.full((1000, 2000, 3), 128, np.uint8)
    with Image.open(io.BytesIO(photo)) as picture:
        whole[300:840, :405] = np.asarray(picture)
    written = io.BytesIO()
    Image.fromarray(np.roll(whole, -73, axis=1)).save(written, "jpeg", quality=90)
    return written.getvalue()


@pytest.mark.parametrize("make", [pytest.param(bytes, id="photo"), pytest.param(panorama, id="panorama, at the seam")])
def test_whom_the_first_look_missed_the_second_finds_in_the_finished_bytes(
    make: Callable[[bytes], bytes], photo: bytes, detector: TritonDetector
) -> None:
    picture, recipe = make(photo), Recipe(confidence=SURELY)
    seen = make_safe(picture, Recipe(confidence=SURELY, second_look_percent=0), detector)
    wanted = [region.box for region in seen.regions]
    assert len(wanted) >= 3
    assert any(box.right > 2000 for box in wanted) == seen.inspection.wraps == (make is panorama)
    done = make_safe(picture, recipe, Blind(detector, looks=1))
    assert (done.second_look.looks, done.second_look.found_later) == (2, len(done.regions))
    assert all(covered_share(box, done.mask) >= COVERED for box in wanted)
    again = make_safe(picture, recipe, Blind(detector, looks=1))
    assert again.data == done.data


def test_a_picture_in_which_somebody_else_is_seen_each_time_is_quarantined(
    photo: bytes, detector: TritonDetector
) -> None:
    restless = Restless(detector)
    with pytest.raises(NotPublishable) as refused:
        make_safe(photo, Recipe(), restless)
    assert refused.value.reason is QuarantineReason.STILL_VISIBLE
    assert restless.looks == 1 + MOST_LOOKS


def test_the_command_tells_what_second_looks_found_and_their_absence_changes_nothing_else(
    baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    looked = baas("blur", photos, tmp_path / "looked", "--json", triton=triton)
    off = baas("blur", photos, tmp_path / "off", "--verification", "off", "--json", triton=triton)
    assert (looked.code, off.code) == (ExitCode.DONE, ExitCode.DONE)
    sums = looked.document["second_look"]
    assert sums["images"] == 3
    assert off.document["second_look"] == {"images": 0, "found_later": 0, "residuals": 0}
    objects = [sum(ended.document["objects"].values()) for ended in (looked, off)]
    assert objects[0] == objects[1] + sums["found_later"]
    assert "second look" in looked.document["seconds_per_step"]
    assert "second look" not in off.document["seconds_per_step"]
    assert baas("status", tmp_path / "looked", "--json").document["second_look"] == sums


def test_a_sample_of_all_gives_the_bytes_of_redetect_in_the_same_run(
    baas: Baas, photos: Path, triton: str, tmp_path: Path
) -> None:
    baas("blur", photos, tmp_path / "out", triton=triton)
    before = published(tmp_path / "out")
    sample = ("--verification", "sample", "--sample-percent", "100")
    again = baas("blur", photos, tmp_path / "out", *sample, "--json", triton=triton)
    assert again.document["now"]["published"] == 0
    assert published(tmp_path / "out") == before
