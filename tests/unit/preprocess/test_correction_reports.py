"""Reports are read whole, and each bad field of a bad row is named with its place."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError
from baas_preprocess.correction_reports import MOST_TOLD, Reported, read_box, read_reports
from baas_preprocess.wanted import AnyBox, PixelBox, SphereBox, Wanted

PIXELS, DEGREES = "image,left,top,width,height", "image,yaw,pitch,width_deg,height_deg"


def read(folder: Path, text: str, name: str = "reports.csv") -> list[Reported]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_reports(path)


def boxes(reports: Sequence[Reported]) -> list[tuple[str | None, AnyBox]]:
    return [(report.image, report.wanted.box) for report in reports]


A_BOX = PixelBox(left=1, top=2.5, width=3, height=4)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{PIXELS}\ns/a.jpg,1,2.5,3,4\n", id="commas"),
        pytest.param(f"{PIXELS}\ns/a.jpg,1,2.5,3,4\n".replace(",", ";"), id="semicolons"),
        pytest.param(f"\ufeff{PIXELS}\r\ns/a.jpg, 1, 2.5, 3, 4\r\n\r\n,,,,\r\n", id="BOM and empty lines"),
        pytest.param('height,image,width,left,top\n4,"s/a.jpg",3,1,2.5', id="columns in another order"),
    ],
)
def test_tables_as_spreadsheets_write_them_are_read(tmp_path: Path, text: str) -> None:
    assert boxes(read(tmp_path, text)) == [("s/a.jpg", A_BOX)]


def test_a_table_and_a_list_of_objects_say_the_same(tmp_path: Path) -> None:
    rows = [
        {"image": "a.jpg", "yaw": -35.5, "pitch": 8, "width_deg": 4, "height_deg": 9, "class": "person"},
        {"image": "b.jpg", "yaw": 0, "pitch": 0, "width_deg": 1, "height_deg": 1, "class": "", "reference": "2024-17"},
    ]
    table = f"{DEGREES},class,reference\na.jpg,-35.5,8,4,9,person,\nb.jpg,0,0,1,1,,2024-17\n"
    listed, tabled = read(tmp_path, json.dumps(rows), "r.json"), read(tmp_path, table)
    assert boxes(listed) == boxes(tabled)
    assert [report.reference for report in listed] == [report.reference for report in tabled] == ["", "2024-17"]
    assert [report.where.rpartition(", ")[2] for report in (*listed, *tabled)] == [
        *("entry 1", "entry 2", "line 2", "line 3")
    ]


def test_a_list_may_hold_both_kinds_of_boxes(tmp_path: Path) -> None:
    rows = [{"image": "a", **A_BOX.model_dump()}, {"image": "a", "yaw": 1, "pitch": 2, "width_deg": 3, "height_deg": 4}]
    kinds = [type(box) for _, box in boxes(read(tmp_path, json.dumps(rows), "r.JSON"))]
    assert kinds == [PixelBox, SphereBox]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ObjectClass.PERSON),
        ("person", ObjectClass.PERSON),
        ("licence_plate", ObjectClass.LICENCE_PLATE),
        ("license_plate", ObjectClass.LICENCE_PLATE),
    ],
)
def test_classes_are_those_of_the_detector_in_both_spellings(tmp_path: Path, text: str, found: ObjectClass) -> None:
    [report] = read(tmp_path, f"{PIXELS},class\na.jpg,1,2.5,3,4,{text}\n")
    assert report.wanted == Wanted(box=A_BOX, object_class=found)


def test_every_bad_field_of_every_bad_row_is_named(tmp_path: Path) -> None:
    text = (
        f"{PIXELS},class\n"
        "a.jpg,1,2,3,4,person\n"
        "a.jpg,x,2,0,4,tree\n"
        '"a\nb.jpg",1,2,3,4,person\n'
        "a.jpg,1,nan,3,4,\n"
        ",1,2,3,inf,\n"
        "a.jpg,1,2\n"
        "a.jpg,-1,2,3,,person\n"
    )
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, text)
    lines = str(error.value).splitlines()
    assert [line.removeprefix(f"{tmp_path}/reports.csv, ").split(":")[0] for line in lines] == [
        "line 3, left is 'x'",
        "line 3, width is '0'",
        "line 3, class is 'tree'",
        "line 6, top is 'nan'",
        "line 7, height is 'inf'",
        "line 7, image is ''",
        "line 8",
        "line 9, left is '-1'",
        "line 9, height is ''",
        "Nothing was written.",
    ]
    assert "it has 3 values, the header 6 names" in lines[6]


JSON_BOX: Mapping[str, object] = {"image": "a.jpg", "left": 1, "top": 2, "width": 3, "height": 4}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({**JSON_BOX, "left": True}, "entry 2, left is True"),
        ({**JSON_BOX, "top": None}, "entry 2, top is None"),
        ({**JSON_BOX, "width": [3]}, "entry 2, width is [3]"),
        ({**JSON_BOX, "height": float("nan")}, "entry 2, height is nan"),
        ({**JSON_BOX, "class": ["person"]}, "entry 2, class is ['person']"),
        ({**JSON_BOX, "hight": 4}, "entry 2, hight is 4"),
        ({"image": "a.jpg", "left": 1, "top": 2, "width": 3}, "entry 2, height: Field required"),
        ({"image": "a.jpg", "yaw": 1, "pitch": 91, "width_deg": 3, "height_deg": 4}, "entry 2, pitch is 91"),
        ({**JSON_BOX, "yaw": 3}, "entry 2, pitch: Field required"),
        ("a.jpg", "entry 2: it should be an object"),
    ],
)
def test_bad_entries_are_named(tmp_path: Path, row: object, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, json.dumps([JSON_BOX, row]), "r.json")
    assert told in str(error.value)
    assert "entry 1" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("r.csv", "image,left,top,width\na.jpg,1,2,3\n", "has the columns image,left,top,width; they should be"),
        ("r.csv", f"{PIXELS},yaw\na.jpg,1,2,3,4,5\n", "has the columns"),
        ("r.csv", f"{PIXELS},left\na.jpg,1,2,3,4,5\n", "has the columns"),
        ("r.csv", "a.jpg,1,2,3,4\n", "has the columns"),
        ("r.csv", f"{PIXELS}\n", "holds no box"),
        ("r.csv", "", "holds no box"),
        ("r.csv", f'{PIXELS}\n"a.jpg,1,2,3,4\n', "unexpected end of data"),
        ("r.csv", f"{PIXELS}\n{'a' * 200_000},1,2,3,4\n", "field larger than field limit"),
        ("r.json", "[]", "holds no box"),
        ("r.json", "{}", "should be a list of objects"),
        ("r.json", "[", "is no JSON"),
        ("r.json", "[" * 100_000, "is no JSON"),
    ],
)
def test_files_that_are_no_reports_are_refused(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read(tmp_path, text, name)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(f"{PIXELS}\ncaf\xe9.jpg,1,2,3,4\n".encode("latin-1"))
    for path in (tmp_path, tmp_path / "none.csv", tmp_path / "latin.csv"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read_reports(path)


def test_of_thousands_of_bad_rows_the_first_are_told_and_the_rest_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, f"{PIXELS}\n" + "a.jpg,x,2,3,4\n" * 5000)
    lines = str(error.value).splitlines()
    assert len(lines) == MOST_TOLD + 2
    assert lines[-2] == f"... and {5000 - MOST_TOLD:,} more."


def test_boxes_on_the_command_line_are_four_numbers() -> None:
    assert read_box("--box", PixelBox, "1, 2.5,3,4").wanted.box == A_BOX
    sphere = SphereBox(yaw=-35.5, pitch=-8, width_deg=4, height_deg=9)
    assert read_box("--sphere", SphereBox, "-35.5,-8,4,9").wanted.box == sphere


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (PixelBox, "1,2,3", "--box 1,2,3: four numbers are needed, left,top,width,height"),
        (PixelBox, "1,2,3,0", "--box 1,2,3,0, height is '0'"),
        (PixelBox, "1,2,3,4,5", "four numbers are needed"),
        (SphereBox, "0,0,361,1", "width_deg is '361'"),
    ],
)
def test_bad_boxes_on_the_command_line_are_named(kind: type[PixelBox | SphereBox], text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_box("--box", kind, text)
    assert told in str(error.value)
