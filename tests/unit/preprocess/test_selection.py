"""Which names are worked on, and how lists of names are read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.errors import ConfigurationError
from baas_preprocess.facts import Digest
from baas_preprocess.selection import Selection, read_exclude_list


def test_a_selection_says_why_a_name_is_left_out() -> None:
    selection = Selection(include=("a/*",), exclude=("*_test.jpg",), exclude_list=frozenset({"a/one.jpg", "two.jpg"}))
    assert selection.refusal("a/ok.jpg") is None
    assert selection.refusal("a/one.jpg") == "It is on the exclude list."
    assert selection.refusal("a/deep/two.jpg") == "It is on the exclude list."
    assert selection.refusal("a/x_test.jpg") == "It matches the exclude pattern *_test.jpg."
    assert selection.refusal("b.jpg") == "It matches no include pattern."


@given(name=st.text(), percent=st.integers(1, 99))
def test_whoever_is_in_a_sample_is_in_each_larger_one(name: str, percent: int) -> None:
    smaller, larger = Selection(sample_percent=percent), Selection(sample_percent=percent + 1)
    assert larger.is_sampled(name) or not smaller.is_sampled(name)
    assert Selection().is_sampled(name)


@given(percent=st.integers(1, 99), others=st.sets(st.text()))
def test_the_name_alone_decides_who_is_in_a_sample(percent: int, others: set[str]) -> None:
    wished = Selection(
        sample_percent=percent, include=("x/*",), exclude_list=frozenset(others), redo_model=Digest("sha256:old")
    )
    for name in others:
        assert wished.is_sampled(name) == Selection(sample_percent=percent).is_sampled(name)


@pytest.mark.parametrize("percent", [1, 5, 50, 99])
def test_a_sample_has_about_the_share_that_was_asked_for(percent: int) -> None:
    selection, number = Selection(sample_percent=percent), 20_000
    sampled = sum(selection.is_sampled(f"2026/run_{n % 7}/pano_{n:06}.jpg") for n in range(number))
    spread = (number * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(sampled - number * percent / 100) < 5 * spread


def test_a_name_that_is_no_text_is_in_a_sample_or_not_like_any_other() -> None:
    names = [f"{number}\udcff.jpg" for number in range(100)]
    assert 0 < sum(map(Selection(sample_percent=50).is_sampled, names)) < 100


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("list.txt", "a.jpg\nb.jpg\r\n\n", id="one name a line"),
        pytest.param("list.csv", "id,filename\n1,a.jpg\n2,b.jpg\n", id="CSV with a column filename"),
        pytest.param("list.txt", "\ufefffilename\na.jpg\nb.jpg\n", id="header filename in a text file with BOM"),
    ],
)
def test_exclude_lists_carry_no_line_ends_into_names(tmp_path: Path, file: str, text: str) -> None:
    """The earlier service left them on the lines of its batches, and silently found no image of that name."""
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert read_exclude_list(tmp_path / file, title="--exclude-list") == {"a.jpg", "b.jpg"}


def test_a_csv_exclude_list_without_the_column_says_which_columns_there_are(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("name\na.jpg\n")
    with pytest.raises(ConfigurationError, match=r"has the columns \['name'\]; one must be called `filename`"):
        read_exclude_list(tmp_path / "list.csv", title="--exclude-list")


def test_a_csv_exclude_list_with_a_field_beyond_measure_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f'filename\n"{"a" * 200_000}\n')
    with pytest.raises(ConfigurationError, match="is no proper CSV file: field larger than field limit"):
        read_exclude_list(tmp_path / "list.csv", title="--exclude-list")
