"""The judges of `make safety` find what they look for: in files of ours, where it is known."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from baas_preprocess import libjpeg, raster
from baas_preprocess.facts import Mask, Method
from baas_preprocess.libjpeg import Blocks, Output
from baas_preprocess.mask import mask
from baas_preprocess.outside import cell_grids
from baas_preprocess.recipe import Recipe
from baas_preprocess.redact import redact
from baas_preprocess.scrub import scrub
from baas_preprocess.sidecar import mask_png
from baas_preprocess.thumbnail import thumbnail_of
from tests.fuzz.seeds import seeds
from tests.safety import tags, thumbnails
from tests.safety.__main__ import Verdict, is_covered, judge_second_pictures, main
from tests.safety.coefficients import Compared, compared, read_mask
from tests.unit.preprocess import files
from tests.unit.preprocess.pictures import coded, inspected, region

pytestmark = pytest.mark.skipif(shutil.which("exiftool") is None, reason="apt install libimage-exiftool-perl")

ALL = coded()
CODED = {name: data for name, data in ALL.items() if "JPEG" in name}
SAMPLES = {name: data for name, data in ALL.items() if "JPEG" not in name}


def made_mask(data: bytes) -> Mask:
    return mask([region(40, 20, 90, 60), region(170, 80, 187, 93)], inspected(data), padding=0.1, cells=6)


def judged(folder: Path, original: bytes, finished: bytes) -> Compared:
    (folder / "a").write_bytes(original)
    (folder / "b").write_bytes(finished)
    (folder / "mask.png").write_bytes(mask_png(made_mask(original)))
    return compared(folder / "a", folder / "b", read_mask(folder / "mask.png"))


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in ALL.items()])
def test_what_redaction_left_alone_is_the_same_for_another_program(tmp_path: Path, data: bytes) -> None:
    redacted = redact(data, inspected(data), made_mask(data), Recipe().method).data
    found = judged(tmp_path, data, redacted)
    assert (found.differing, found.left) == (0, 0)
    assert min(found.outside, found.inside) > 30


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1"])
@pytest.mark.parametrize("component", [0, 1, 2])
def test_one_changed_coefficient_is_seen(tmp_path: Path, sampling: str, component: int) -> None:
    data = CODED[f"JPEG {sampling}"]
    redacted = redact(data, inspected(data), made_mask(data), Recipe().method).data
    grid = cell_grids(libjpeg.read_frame(data), made_mask(data))[component]

    def change(is_inside: bool) -> bytes:
        [row, column] = next(iter(zip(*((grid >= 0) == is_inside).nonzero(), strict=True)))

        def on_row(at_component: int, at_row: int, blocks: Blocks) -> None:
            if (at_component, at_row) == (component, row):
                blocks[column, 9] += 1

        return libjpeg.edit(redacted, Output(on_row))[0]

    outside, inside = judged(tmp_path, data, change(False)), judged(tmp_path, data, change(True))
    assert (outside.differing, outside.left, inside.differing, inside.left) == (1, 0, 0, 1)


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in SAMPLES.items()])
def test_one_changed_sample_is_seen(tmp_path: Path, data: bytes) -> None:
    seen, made = inspected(data), made_mask(data)
    redacted = redact(data, seen, made, Recipe().method).data

    def change(y: int, x: int) -> bytes:
        picture = raster.read(redacted, seen.format)
        samples = picture.samples.copy()
        samples[y, x, 0] ^= 1 << 8 * (samples.itemsize - 1)  # Pillow shows the upper bits of colours
        return raster.write(picture.with_samples(samples))

    outside, inside = judged(tmp_path, data, change(0, 0)), judged(tmp_path, data, change(40, 60))
    assert (outside.differing, outside.left, inside.differing, inside.left) == (1, 0, 0, 1)


def test_samples_of_what_was_there_are_seen(tmp_path: Path) -> None:
    assert judged(tmp_path, SAMPLES["PNG"], SAMPLES["PNG"]).left > 20


def test_coarse_colours_depend_on_what_was_there(tmp_path: Path) -> None:
    data = CODED["JPEG 4:2:0"]
    assert judged(tmp_path, data, redact(data, inspected(data), made_mask(data), Method.PIXELATE).data).left > 50


def test_another_quality_is_not_compared(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="other sampling or quantisation"):
        judged(tmp_path, CODED["JPEG 4:2:0"], CODED["JPEG of quality 10"])


def test_exiftool_finds_second_pictures_and_what_stays_and_goes(tmp_path: Path) -> None:
    data = seeds()["full JPEG"]
    seen = inspected(data)
    redacted = redact(data, seen, mask([], seen, padding=0, cells=1), Method.SOLID).data
    written = {"before.jpg": data, "after.jpg": scrub(redacted, data, seen), "bare.jpg": redacted}
    for name, content in written.items():
        (tmp_path / name).write_bytes(content)
    found = tags.read([tmp_path / name for name in written])
    assert "IFD1:ThumbnailImage" in tags.second_pictures(found["before.jpg"])
    assert tags.second_pictures(found["after.jpg"], besides=tags.REBUILT_THUMBNAIL) == []
    place = tags.thumbnail(found["after.jpg"])
    assert place == thumbnails.place_of(written["after.jpg"])
    assert thumbnails.read(tmp_path / "after.jpg") == written["after.jpg"][place.start : place.stop]
    assert (tags.thumbnail(found["bare.jpg"]), thumbnails.read(tmp_path / "bare.jpg")) == (None, b"")
    count, lost = tags.kept(found["before.jpg"], found["after.jpg"])
    assert lost == []
    assert {"position", "heading", "GPano", "orientation", "time", "camera"} <= set(count)
    assert len(tags.kept(found["before.jpg"], found["bare.jpg"])[1]) >= 6
    assert tags.gone(found["before.jpg"], found["after.jpg"])["IFD0"] > 0
    assert tags.profile(tmp_path / "before.jpg") == tags.profile(tmp_path / "after.jpg") != b""
    assert tags.profile(tmp_path / "bare.jpg") == b""


@pytest.mark.parametrize(
    ("original", "judges"),
    [
        pytest.param("full JPEG", 0, id="judges that find them"),
        pytest.param("JPEG of 4:2:0", 3, id="judges that find none anywhere"),
    ],
)
def test_judges_that_find_nothing_in_originals_either_have_shown_nothing(
    tmp_path: Path, original: str, judges: int
) -> None:
    data = {"full JPEG": seeds()["full JPEG"], "JPEG of 4:2:0": CODED["JPEG 4:2:0"]}[original]
    (tmp_path / "out").mkdir()
    (tmp_path / "a.jpg").write_bytes(data)
    (tmp_path / "out" / "a.jpg").write_bytes(scrub(data, data, inspected(data)))
    verdict = Verdict()
    judge_second_pictures([tmp_path / "a.jpg"], tmp_path / "out", verdict)
    assert len(verdict.broken) == judges


@pytest.mark.parametrize(("holds", "of", "is_kept"), [(True, 3, True), (False, 3, False), (True, 0, False)])
def test_a_promise_about_nothing_is_not_kept(holds: bool, of: int, is_kept: bool) -> None:
    verdict = Verdict()
    verdict.must(holds, "nothing is left", of=of)
    assert verdict.broken == ([] if is_kept else ["nothing is left"])


def with_thumbnail(data: bytes, thumbnail: bytes) -> bytes:
    return files.with_segments(data, (files.APP1, files.EXIF + files.exif({files.MAKE: "x"}, thumbnail=thumbnail)))


def test_a_thumbnail_that_shows_what_was_redacted_is_seen(tmp_path: Path) -> None:
    original = CODED["JPEG 4:2:0"]
    redacted = redact(original, inspected(original), made_mask(original), Method.SOLID).data
    hiding, safe = with_thumbnail(original, thumbnail_of(original)), with_thumbnail(redacted, thumbnail_of(redacted))
    leaking = with_thumbnail(redacted, thumbnail_of(original))
    for name, data in (("hiding", hiding), ("safe", safe), ("leaking", leaking)):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "mask.png").write_bytes(mask_png(made_mask(original)))
    covered = read_mask(tmp_path / "mask.png")
    good = thumbnails.compared(tmp_path / "hiding", tmp_path / "safe", covered)
    assert good.from_published < thumbnails.MOST_UNLIKE
    assert good.old_shows_more
    assert good.new_inside < 3 < good.old_inside
    bad = thumbnails.compared(tmp_path / "hiding", tmp_path / "leaking", covered)
    assert bad.new_inside == bad.old_inside == good.old_inside
    assert thumbnails.others(safe, inspected(safe).hidden_images) == []
    another = with_thumbnail(redacted, files.jpeg(160, 80))
    assert thumbnails.others(another, inspected(another).hidden_images) == ["Exif thumbnail 160x80"]


@pytest.mark.parametrize(
    "wrong",
    [b"", b"no JPEG", files.jpeg()[:-1], files.jpeg() + b"\0", files.jpeg() + files.jpeg()],
    ids=["nothing", "no JPEG", "cut off", "one byte more", "two"],
)
def test_whatever_is_not_one_whole_jpeg_is_seen(wrong: bytes) -> None:
    assert thumbnails.is_one_jpeg(files.jpeg())
    assert not thumbnails.is_one_jpeg(wrong)


def test_a_box_across_the_seam_is_looked_for_on_both_sides() -> None:
    covered = np.zeros((10, 20), bool)
    covered[:, [18, 19, 0, 1]] = True
    assert is_covered([0.9, 0.0, 0.2, 1.0], covered)
    assert not is_covered([0.9, 0.0, 0.25, 1.0], covered)
    assert not is_covered([0.8, 0.0, 0.2, 1.0], covered)


def test_without_the_folder_a_sentence_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path / "nowhere", tmp_path) == 2
    assert "DATA=" in capsys.readouterr().err
