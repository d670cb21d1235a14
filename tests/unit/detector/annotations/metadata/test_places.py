"""What names, tables, districts and Exif say of a picture's place."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from baas_crds.errors import ConfigurationError
from baas_detector.annotations.metadata.districts import district_of, read_districts
from baas_detector.annotations.metadata.exif_gps import position_in
from baas_detector.annotations.metadata.places import Known, Position
from baas_detector.annotations.metadata.tables import read_table

GPS = 0x8825
SQUARE = [[4, 52], [5, 52], [5, 53], [4, 53], [4, 52]]
HOLE = [[4.4, 52.4], [4.6, 52.4], [4.6, 52.6], [4.4, 52.6], [4.4, 52.4]]
ISLAND = [[8, 52], [9, 52], [9, 53], [8, 53], [8, 52]]


def collection(*features: tuple[dict[str, Any], dict[str, Any]]) -> str:
    listed = [{"type": "Feature", "properties": named, "geometry": shape} for named, shape in features]
    return json.dumps({"type": "FeatureCollection", "features": listed})


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


@pytest.mark.parametrize(
    ("longitude", "latitude", "expected"),
    [(4.2, 52.2, "West"), (4.5, 52.5, "Park"), (8.5, 52.5, "West"), (6.0, 52.5, None), (52.5, 4.5, None)],
)
def test_a_district_has_holes_and_several_parts(
    tmp_path: Path, longitude: float, latitude: float, expected: str | None
) -> None:
    path = tmp_path / "districts.geojson"
    west = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [ISLAND]]}
    path.write_text(collection(({"naam": "West"}, west), ({"naam": "Park"}, polygon(HOLE))))

    assert district_of(Position(latitude=latitude, longitude=longitude), read_districts(path)) == expected


def test_a_districts_name_is_the_property_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "districts.geojson"
    path.write_text(collection(({"naam": "West", "code": "E"}, polygon(SQUARE))))

    assert [one.name for one in read_districts(path, name_property="code")] == ["E"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[", "no GeoJSON FeatureCollection"),
        ("{}", "no GeoJSON FeatureCollection"),
        (
            collection(({"code": "E"}, polygon(SQUARE))),
            "feature 0 has the properties code: say with --district-property",
        ),
        (collection(({"naam": "E"}, {"type": "Point", "coordinates": [4, 52]})), "feature 0 is a Point"),
        (collection(({"naam": "E"}, polygon([[121000, 487000]] * 4))), "feature 0 .* no degrees: .*WGS 84"),
        (collection(({"naam": "E"}, polygon([["a", "b"]] * 4))), "no GeoJSON FeatureCollection"),
    ],
)
def test_other_files_are_refused_with_the_feature(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "districts.geojson"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=sentence):
        read_districts(path)


def test_a_table_may_call_its_columns_differently_and_leave_fields_empty(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "\ufeffPano_ID,Lat,Lon,Stadsdeel,cluster,extra\na,52.1,4.9,West,,x\nb,,,Oost,7,\n", encoding="utf-8"
    )

    assert read_table(path) == {
        "a": Known(position=Position(latitude=52.1, longitude=4.9), district="West"),
        "b": Known(district="Oost", cluster="7"),
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has the columns none; it needs image or pano_id"),
        ("name,lat,lon\n", "has the columns name, lat, lon"),
        ("image,lat\n", "needs both columns"),
        ("image,lat,lon\na,91,4\n", r"line 2 \(a\): latitude 91.0 and longitude 4.0 are no place on Earth"),
        ("image,lat,lon\na,52,\n", r"line 2 \(a\): latitude and longitude are needed together"),
        ("image,lat,lon\na,fifty,4\n", r"line 2 \(a\)"),
        ("image,lat,lon\na,nan,4\n", r"line 2 \(a\)"),
        ("image,lat,lon\na,1,2\na,1,2\n", "line 3 names a again"),
        ("image,lat,lon\n,1,2\n", "line 2 names no image"),
        ("image,lat,lon\na,1\n", r"line 2 \(a\): latitude and longitude are needed together"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=sentence):
        read_table(path)


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("image,district\na,Café\n".encode("latin-1"))

    with pytest.raises(ConfigurationError, match="no UTF-8 text"):
        read_table(path)


def picture_with(path: Path, gps: dict[int, Any]) -> Path:
    exif = Image.Exif()
    exif.get_ifd(GPS).update(gps)
    Image.new("RGB", (20, 10)).save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    ("gps", "expected"),
    [
        ({1: "N", 2: (52.0, 22.0, 12.0), 3: "E", 4: (4.0, 54.0, 0.0)}, (52.37, 4.9)),
        ({1: "S", 2: (33.0, 30.0, 0.0), 3: "W", 4: (70.0, 0.0, 36.0)}, (-33.5, -70.01)),
        ({}, None),
        ({1: "N", 2: (52.0, 22.0, 12.0)}, None),
        ({1: "X", 2: (52.0, 22.0, 12.0), 3: "E", 4: (4.0, 54.0, 0.0)}, None),
        ({1: "N", 2: (95.0, 0.0, 0.0), 3: "E", 4: (4.0, 54.0, 0.0)}, None),
        ({1: "N", 2: (IFDRational(0, 0), 22.0, 12.0), 3: "E", 4: (4.0, 54.0, 0.0)}, None),
    ],
)
def test_exif_says_where_a_picture_was_taken(
    tmp_path: Path, gps: dict[int, Any], expected: tuple[float, float] | None
) -> None:
    found = position_in(picture_with(tmp_path / "a.jpg", gps))

    assert (found and (found.latitude, found.longitude)) == (expected and pytest.approx(expected))
