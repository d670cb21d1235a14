"""Which names are worked on, and how lists of names are read."""

from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError
from baas_preprocess.selection import Selection, read_exclude_list


def test_a_selection_says_why_a_name_is_left_out() -> None:
    selection = Selection(include=("a/*",), exclude=("*_test.jpg",), exclude_list=frozenset({"a/one.jpg", "two.jpg"}))
    assert selection.refusal("a/ok.jpg") is None
    assert selection.refusal("a/one.jpg") == "It is on the exclude list."
    assert selection.refusal("a/deep/two.jpg") == "It is on the exclude list."
    assert selection.refusal("a/x_test.jpg") == "It matches the exclude pattern *_test.jpg."
    assert selection.refusal("b.jpg") == "It matches no include pattern."


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("list.txt", "a.jpg\nb.jpg\r\n\n", id="one name a line"),
        pytest.param("list.csv", "id,filename\n1,a.jpg\n2,b.jpg\n", id="CSV with a column filename"),
        pytest.param("list.txt", "\ufefffilename\na.jpg\nb.jpg\n", id="header filename in a text file with BOM"),
    ],
)
def test_exclude_lists_carry_no_line_ends_into_names(tmp_path: Path, file: str, text: str) -> None:
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
