"""How many pictures people look at, which ones, and what their findings prove."""

import csv
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom  # type: ignore[import-untyped]

from baas_crds.errors import ConfigurationError
from baas_detector.acceptance.bounds import Seen, sample_size, upper_bound, upper_bound_of_all
from baas_detector.acceptance.files import read_findings, read_images
from baas_detector.acceptance_command import acceptance
from baas_sampling.inspection import draw

rates = st.floats(0.001, 0.5)
confidences = st.floats(0.8, 0.999)


@pytest.mark.parametrize(
    ("miss_rate", "failures", "confidence", "images"),
    [
        pytest.param(0.05, 0, 0.95, 59, id="0.95^59 = 0.0485"),
        pytest.param(0.01, 0, 0.95, 299, id="0.99^299 = 0.0495"),
        pytest.param(0.01, 0, 0.99, 459, id="0.99^459 = 0.0099"),
        pytest.param(0.05, 1, 0.95, 93, id="0.95^93 + 93 * 0.05 * 0.95^92 = 0.0500"),
        pytest.param(0.5, 0, 0.5, 1, id="one image"),
    ],
)
def test_so_many_images_prove_a_miss_rate(miss_rate: float, failures: int, confidence: float, images: int) -> None:
    assert sample_size(miss_rate, failures=failures, confidence=confidence) == images


@given(rates, st.integers(0, 5), confidences)
def test_a_sample_of_that_size_proves_it_and_one_less_does_not(rate: float, failures: int, confidence: float) -> None:
    size = sample_size(rate, failures=failures, confidence=confidence)
    many = 10 * size
    assert upper_bound(Seen(images=many, inspected=size, missed=failures), confidence) <= rate + 1e-9
    if size > failures + 1:
        assert upper_bound(Seen(images=many, inspected=size - 1, missed=failures), confidence) > rate - 1e-9


@pytest.mark.parametrize(
    ("seen", "bound"),
    [
        pytest.param(Seen(images=1000, inspected=59, missed=0), 1 - 0.05 ** (1 / 59), id="none of 59"),
        pytest.param(Seen(images=1000, inspected=10, missed=1), 0.3942, id="one of 10, as in tables"),
        pytest.param(Seen(images=1000, inspected=10, missed=10), 1.0, id="all"),
        pytest.param(Seen(images=40, inspected=40, missed=1), 0.025, id="all were looked at: no more is unknown"),
        pytest.param(Seen(images=40, inspected=0, missed=0), 1.0, id="nobody looked"),
    ],
)
def test_the_bound_of_a_stratum_is_the_exact_one(seen: Seen, bound: float) -> None:
    assert upper_bound(seen, 0.95) == pytest.approx(bound, abs=5e-5)


def test_strata_that_are_seen_in_proportion_are_judged_like_one() -> None:
    parts = [Seen(images=1000, inspected=100, missed=1), Seen(images=500, inspected=50, missed=0)]
    assert upper_bound_of_all(parts, 0.95) == upper_bound(Seen(images=1500, inspected=150, missed=1), 0.95)


def test_a_large_stratum_of_which_little_was_seen_counts_by_its_size() -> None:
    # Nine of ten images are in the first, and half of those seen: 0.9 / 0.5 times the bound of 0 of 118.
    parts = [Seen(images=9000, inspected=59, missed=0), Seen(images=1000, inspected=59, missed=0)]
    assert upper_bound_of_all(parts, 0.95) == pytest.approx(1.8 * (1 - 0.05 ** (1 / 118)))
    assert upper_bound_of_all([*parts, Seen(images=1, inspected=0, missed=0)], 0.95) == 1.0


@given(st.lists(st.tuples(st.integers(1, 25), st.integers(1, 5), st.integers(0, 100)), min_size=1, max_size=3))
def test_the_bound_of_all_is_true_as_often_as_it_says(strata: list[tuple[int, int, int]]) -> None:
    """For strata (inspected, images for each of those, miss rate in %): how often is the bound below the truth?"""
    weights = [seen * times for seen, times, _ in strata]
    truth = sum(weight * rate / 100 for weight, (_, _, rate) in zip(weights, strata, strict=True)) / sum(weights)
    total = sum(seen for seen, _, _ in strata)
    assume(any(times > 1 for _, times, _ in strata))
    chances = [1.0]
    for seen, _, rate in strata:
        added = binom.pmf(range(seen + 1), seen, rate / 100)
        chances = [
            sum(chances[k - m] * added[m] for m in range(seen + 1) if 0 <= k - m < len(chances))
            for k in range(len(chances) + seen)
        ]
    wrong = 0.0
    for missed in range(total + 1):
        # Only the sum counts for the bound, so any split of it will do.
        parts, left = [], missed
        for (seen, _, _), weight in zip(strata, weights, strict=True):
            parts.append(Seen(images=weight, inspected=seen, missed=min(seen, left)))
            left -= min(seen, left)
        if upper_bound_of_all(parts, 0.95) < truth - 1e-12:
            wrong += chances[missed]
    assert wrong <= 0.05 + 1e-9


NAMES = {"west": [f"w{number}.jpg" for number in range(30)], "east": ["e1.jpg", "e2.jpg"]}


def test_the_draw_follows_from_the_seed_and_from_nothing_else() -> None:
    drawn = draw(NAMES, 5, seed=1)
    assert drawn == draw({stratum: names[::-1] for stratum, names in reversed(NAMES.items())}, 5, seed=1)
    assert drawn != draw(NAMES, 5, seed=2)
    west = {task.image for task in drawn if task.stratum == "west"}
    assert west == {task.image for task in draw({"west": NAMES["west"]}, 5, seed=1)}
    assert (len(west), len(drawn)) == (5, 7)
    assert {task.stratum_images for task in drawn if task.stratum == "east"} == {2}


def test_each_image_is_drawn_as_often_as_any_other() -> None:
    times = dict.fromkeys(NAMES["west"], 0)
    for seed in range(600):
        for task in draw({"west": NAMES["west"]}, 5, seed=seed):
            times[task.image] += 1
    # 100 times each on average, with a standard deviation of 9
    assert all(60 < count < 140 for count in times.values())


@pytest.fixture
def images(tmp_path: Path) -> Path:
    file = tmp_path / "images.csv"
    rows = [f"{name},{stratum}" for stratum, names in NAMES.items() for name in names]
    file.write_text("\n".join(["image,district", *rows]))
    return file


def filled(worklist: Path, missed: dict[str, int]) -> list[dict[str, str]]:
    with worklist.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row | {"missed": str(missed.get(row["image"], 0))} for row in rows]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def planned(images: Path) -> Path:
    worklist = images.with_name("worklist.csv")
    told = CliRunner().invoke(
        acceptance, ["plan", str(images), "--by", "district", "--miss-rate", "0.2", "--output", str(worklist)]
    )
    assert told.exit_code == 0, told.output
    return worklist


def test_from_a_list_of_images_to_a_bound(images: Path, tmp_path: Path) -> None:
    worklist = planned(images)  # 14 of west: 0.8^14 = 0.044; both of east
    findings = write(tmp_path / "findings.csv", filled(worklist, {"e1.jpg": 3}))
    assert read_findings(findings) == {
        "east": Seen(images=2, inspected=2, missed=1),
        "west": Seen(images=30, inspected=14, missed=0),
    }
    told = CliRunner().invoke(acceptance, ["result", str(findings), "--json"])
    assert told.exit_code == 0
    assert f'"upper_bound": {upper_bound(Seen(images=30, inspected=14, missed=0), 0.95)}' in told.output
    for limit, code in (("0.6", 0), ("0.4", 3)):
        assert CliRunner().invoke(acceptance, ["result", str(findings), "--at-most", limit]).exit_code == code


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: rows[1:], "is not the whole worklist"),
        (lambda rows: [*rows, rows[0]], "is there twice"),
        (lambda rows: [rows[0] | {"missed": ""}, *rows[1:]], "line 2: missed is ''; give a whole number"),
        (lambda rows: [rows[0] | {"missed": "none"}, *rows[1:]], "missed is 'none'"),
        (lambda rows: [rows[0] | {"stratum": "east"}, *rows[1:]], "has other stratum_images"),
        (lambda rows: [{"image": "a", "missed": "0"}], "has no column row and no column stratum"),
    ],
)
def test_findings_that_leave_something_out_prove_nothing(
    images: Path, tmp_path: Path, change: Any, sentence: str
) -> None:
    rows = sorted(filled(planned(images), {}), key=lambda row: row["stratum"] != "west")
    with pytest.raises(ConfigurationError, match=sentence):
        read_findings(write(tmp_path / "findings.csv", change(rows)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("image;district\na;b\n", "has no column image and no column district"),
        ("image,district\n", "has no rows"),
        ("image,district\na,b\na,c\n", "line 3: the image 'a' is there twice"),
        ("image,district\n,c\n", "line 2: there is no image"),
    ],
)
def test_a_list_that_is_no_list_of_images_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "images.csv"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=sentence):
        read_images(file, by="district")


def test_a_list_from_a_spreadsheet_is_read_and_images_without_a_district_are_one_stratum(tmp_path: Path) -> None:
    file = tmp_path / "images.csv"
    file.write_bytes(b"\xef\xbb\xbfimage,district\r\na,north\r\nb,\r\n")
    assert read_images(file, by="district") == {"north": ["a"], "(empty)": ["b"]}
    assert read_images(file, by=None) == {"all": ["a", "b"]}
