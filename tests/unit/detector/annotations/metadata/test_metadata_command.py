"""`baas-detector metadata`, on files and against a server."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from baas_crds.codes import ExitCode
from baas_detector.cli import main
from tests.panorama_server import Answer, PanoramaServer, panorama, serving

GPS = 0x8825
IDS = [f"TMX9900000001-000001_pano_0000_{number:06}" for number in range(3)]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["metadata", *map(str, arguments)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three panoramas, of which the last one's Exif has a position."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    exif = Image.Exif()
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (5.0, 0.0, 0.0)})
    for name in IDS:
        Image.new("RGB", (20, 10)).save(folder / f"{name}.jpg", exif=exif if name == IDS[2] else Image.Exif())
    return folder


@pytest.fixture
def server() -> Iterator[PanoramaServer]:
    with serving([panorama(IDS[0], 4.9, 52.37), panorama(IDS[1], 4.91, 52.38)]) as running:
        yield running


def test_the_table_is_believed_before_the_api_and_the_api_before_exif(
    pictures: Path, server: PanoramaServer, tmp_path: Path
) -> None:
    table, output = tmp_path / "table.csv", tmp_path / "metadata.csv"
    table.write_text(f"pano_id,latitude,longitude,district\n{IDS[0]},10,20,West\n{IDS[1]},,,Oost\n")
    ended = run(pictures, "--output", output, "--table", table, "--api", "--api-url", server.url)

    assert ended.exit_code == ExitCode.DONE, ended.output
    found = rows(output)
    assert [one["position_from"] for one in found] == ["table", "api", "exif"]
    assert [(one["latitude"], one["longitude"]) for one in found] == [
        ("10.0", "20.0"),
        ("52.38", "4.91"),
        ("52.5", "5.0"),
    ]
    assert [one["district"] for one in found] == ["West", "Oost", ""]
    assert [one["pano_id"] for one in found] == IDS
    assert found[1]["heading"] == "211.5"
    assert found[1]["geohash"].startswith(found[1]["cluster"])
    assert server.asked == {IDS[1]: 1, IDS[2]: 1}, "what the table knows is not asked"


def test_without_api_nobody_is_asked(pictures: Path, server: PanoramaServer, tmp_path: Path) -> None:
    ended = run(pictures, "--output", tmp_path / "metadata.csv", "--api-url", server.url)

    assert ended.exit_code == ExitCode.DONE
    assert f"nobody knows where these were taken: {IDS[0]}.jpg, {IDS[1]}.jpg" in ended.stdout
    assert [one["subset"] for one in rows(tmp_path / "metadata.csv")][:2] == ["none", "none"]
    assert not server.asked


def test_a_list_is_asked_once_for_all_pictures(pictures: Path, server: PanoramaServer, tmp_path: Path) -> None:
    options = ("--api", "--api-url", server.url, "--api-query", "timestamp_after=2026-01-01")
    ended = run(pictures, "--output", tmp_path / "metadata.csv", *options)

    assert ended.exit_code == ExitCode.DONE, ended.output
    assert server.asked == {"": 1, IDS[2]: 1}
    assert [one["position_from"] for one in rows(tmp_path / "metadata.csv")] == ["api", "api", "exif"]


def test_annotations_name_pictures_too_and_rows_may_be_json(server: PanoramaServer, tmp_path: Path) -> None:
    source, output = tmp_path / "export.json", tmp_path / "metadata.json"
    image = {"id": 1, "file_name": f"store/{IDS[0]}.jpg", "width": 20, "height": 10}
    shares = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0.1, 0.1, 0.2, 0.2]}
    source.write_text(
        json.dumps({"images": [image], "annotations": [shares], "categories": [{"id": 1, "name": "man"}]})
    )
    ended = run(source, "--output", output, "--api", "--api-url", server.url)

    assert ended.exit_code == ExitCode.DONE, ended.output
    (row,) = json.loads(output.read_text())
    assert (row["image"], row["latitude"], row["mission_year"]) == (f"{IDS[0]}.jpg", 52.37, "2026")


def test_a_server_that_stays_away_ends_with_4_and_writes_nothing(
    pictures: Path, server: PanoramaServer, tmp_path: Path
) -> None:
    server.failures[IDS[0]] = [Answer(status=503)] * 2
    ended = run(pictures, "--output", tmp_path / "m.csv", "--api", "--api-url", server.url, "--retries", "1")

    assert ended.exit_code == ExitCode.UNREACHABLE
    assert "answers 503" in ended.stderr
    assert not (tmp_path / "m.csv").exists()


def test_districts_count_where_the_table_says_none(pictures: Path, tmp_path: Path) -> None:
    districts = tmp_path / "districts.geojson"
    ring = [[4.5, 52], [5.5, 52], [5.5, 53], [4.5, 53], [4.5, 52]]
    feature: dict[str, Any] = {"properties": {"naam": "Oost"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    districts.write_text(json.dumps({"features": [feature]}))
    told = run(pictures, "--output", tmp_path / "m.csv", "--districts", districts, "--json")

    assert json.loads(told.stdout)["districts"] == {"": 2, "Oost": 1}


def test_another_seed_makes_other_subsets_and_the_same_one_the_same(pictures: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    places = "".join(f"{name}.jpg,52.{number},4.9\n" for number, name in enumerate(IDS))
    table.write_text(f"image,lat,lon\n{places}")
    found = {}
    for run_number, seed in enumerate(("1", "1", "2", "3", "4")):
        output = tmp_path / f"{run_number}.csv"
        options = ("--table", table, "--ratios", "0.4,0.3,0.3", "--guard", "0", "--seed", seed)
        assert run(pictures, "--output", output, *options).exit_code == ExitCode.DONE
        found[run_number] = tuple(row["subset"] for row in rows(output))

    assert found[0] == found[1]
    assert len(set(found.values())) > 1
    assert set(found[0]) <= {"train", "val", "test"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--output", "m.txt"), "must end in .csv or .json"),
        (("--output", "m.csv", "--ratios", "0.5,0.5"), "give three numbers"),
        (("--output", "m.csv", "--ratios", "0.5,0.6,0.5"), "must add up to 1"),
        (("--output", "m.csv", "--api", "--api-query", "today"), "NAME=VALUE"),
        (("--output", "m.csv", "--api-query", "a=b"), "--api-query needs --api"),
        (("--output", "m.csv", "--api", "--api-url", "ftp://x"), "must begin with https"),
    ],
)
def test_options_that_cannot_be_are_refused(pictures: Path, options: tuple[str, ...], sentence: str) -> None:
    ended = run(pictures, *options)

    assert ended.exit_code == ExitCode.CONFIGURATION
    assert sentence in ended.stderr


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    ended = run(tmp_path, "--output", tmp_path / "m.csv")

    assert ended.exit_code == ExitCode.CONFIGURATION
    assert f"{tmp_path} has no pictures" in ended.stderr
