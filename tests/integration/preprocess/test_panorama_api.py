"""Panoramas of the Panorama API: seen, downloaded and blurred, by people and by pods."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from baas_crds.codes import ExitCode
from tests.panorama_server import Answer, PanoramaServer, panorama, serving

from .conftest import Ended, published
from .pods import UID, Pods, make_pods

Baas = Callable[..., Ended]
IDS = [f"TMX9900000001-000001_pano_0000_{number:06}" for number in range(4)]
VIEWER = "https://data.amsterdam.nl/data/panorama"
BUSY = Answer(status=503)


@pytest.fixture
def server(photo: bytes) -> Iterator[PanoramaServer]:
    """Four panoramas; the last one is of another mission."""
    with serving([panorama(name, longitude=4.9 + 0.0001 * number) for number, name in enumerate(IDS)]) as running:
        with Image.open(io.BytesIO(photo)) as picture:
            for number, name in enumerate(IDS):
                file = io.BytesIO()
                picture.resize((300 + 8 * number, 400)).save(file, "jpeg", quality=90)
                running.add(name, file.getvalue())
        running.add(IDS[3], mission_type="woz", tags=["mission-woz"])
        yield running


@pytest.fixture
def base(server: PanoramaServer) -> str:
    return server.url.removesuffix("/")


@pytest.fixture
def source(base: str) -> str:
    """The three panoramas of one mission."""
    return f"panorama-api:{base}?tags=mission-bi"


@pytest.fixture
def pictures(server: PanoramaServer, tmp_path: Path) -> Path:
    """The same pictures in a folder."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in IDS[:3]:
        (folder / f"{name}.jpg").write_bytes(server.pictures[f"{name}/full"])
    return folder


# For people


def test_panoramas_are_listed_as_a_table(baas: Baas, base: str) -> None:
    ended = baas("panoramas", "list", "--base-url", base, "--mission-type", "bi", "--limit", "2")

    assert (ended.code, ended.err) == (ExitCode.DONE, "")
    assert [line.split()[0] for line in ended.out.splitlines()] == ["panorama", *IDS[:2]]
    assert "2026-03-01 10:00" in ended.out


def test_panoramas_are_listed_for_programs(baas: Baas, base: str) -> None:
    filters = ("--base-url", base, "--tags", "mission-bi")
    ids = baas("panoramas", "list", *filters, "--format", "ids").out.splitlines()
    rows = [json.loads(line) for line in baas("panoramas", "list", *filters, "--format", "json").out.splitlines()]
    table = list(csv.DictReader(io.StringIO(baas("panoramas", "list", *filters, "--format", "csv").out)))

    assert ids == [row["pano_id"] for row in rows] == [row["pano_id"] for row in table] == IDS[:3]
    assert (rows[1]["longitude"], rows[1]["tags"]) == (4.9001, ["mission-bi", "mission-2026"])
    assert (table[1]["longitude"], table[1]["tags"]) == ("4.9001", "mission-bi mission-2026")
    assert {row["viewer"] for row in table} == {f"{VIEWER}/{name}/" for name in IDS[:3]}


def test_a_list_that_was_cut_says_how_to_go_on(baas: Baas, server: PanoramaServer, base: str) -> None:
    server.failures[""] = [Answer(is_real=True), *[BUSY] * 1000]
    command = ("panoramas", "list", "--base-url", base, "--format", "csv", "--patience-seconds", "0")
    cut = baas(*command)
    assert cut.code == ExitCode.UNREACHABLE
    assert [row["pano_id"] for row in csv.DictReader(io.StringIO(cut.out))] == IDS[:2]
    server.failures.clear()
    page = cut.err.partition("--from-page ")[2].split()[0].strip("'")

    rest = baas(*command, "--from-page", page)
    assert rest.code == ExitCode.DONE, rest.err
    assert [line.partition(",")[0] for line in rest.out.splitlines()] == IDS


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--near", "4.9,52.3"), "near and radius belong together"),
        (("--mission-year", "last"), "mission_year: Input should be a valid integer"),
        (("--base-url", "http://api.example.org/panoramas"), "use https://"),
    ],
)
def test_wrong_filters_are_named(baas: Baas, options: tuple[str, ...], sentence: str) -> None:
    ended = baas("panoramas", "list", *options)

    assert ended.code == ExitCode.CONFIGURATION
    assert sentence in " ".join(ended.err.split())


def test_panoramas_are_downloaded_and_again_skipped(
    baas: Baas, server: PanoramaServer, base: str, tmp_path: Path
) -> None:
    server.failures[f"{IDS[0]}/full"] = [Answer(is_real=True), Answer(is_real=True, cut_after=100)]
    command = ("panoramas", "download", tmp_path / "raw", "--base-url", base, "--tags", "mission-bi")
    first, second = baas(*command), baas(*command)

    assert (first.code, first.out) == (ExitCode.DONE, "3 downloaded\n"), first.err
    assert (second.code, second.out) == (ExitCode.DONE, "3 whole before\n")
    assert published(tmp_path / "raw") == {f"{name}.jpg": server.pictures[f"{name}/full"] for name in IDS[:3]}


def test_what_cannot_be_downloaded_is_told(baas: Baas, server: PanoramaServer, base: str, tmp_path: Path) -> None:
    del server.pictures[f"{IDS[1]}/small"]
    ended = baas("panoramas", "download", tmp_path, "--base-url", base, "--size", "small")

    assert (ended.code, ended.out) == (ExitCode.QUARANTINED, "3 downloaded, 1 refused\n")
    assert f"not downloaded {IDS[1]}.jpg: there is no picture at" in ended.err


def test_one_panorama_is_shown_with_what_is_near_it(baas: Baas, base: str) -> None:
    shown = baas("panoramas", "show", IDS[0], "--base-url", base)
    assert shown.code == ExitCode.DONE, shown.err
    assert f"{VIEWER}/{IDS[0]}/" in shown.out
    assert [word for line in shown.out.splitlines() for word in line.split() if word in IDS] == IDS

    document = baas("panoramas", "show", IDS[0], "--base-url", base, "--json").document
    assert [one["pano_id"] for one in document["adjacencies"]] == IDS[1:]
    assert list(document["pictures"]) == ["full", "medium", "small"]


def test_a_panorama_that_nobody_knows_is_told(baas: Baas, base: str) -> None:
    ended = baas("panoramas", "show", "nobody", "--base-url", base)

    assert (ended.code, "knows no panorama 'nobody'" in ended.err) == (ExitCode.CONFIGURATION, True)


def test_panoramas_are_blurred_to_the_bytes_of_the_same_files(
    baas: Baas, source: str, pictures: Path, triton: str, tmp_path: Path
) -> None:
    of_api, of_files = tmp_path / "api", tmp_path / "files"
    done = baas("blur", source, of_api, "--json", triton=triton)
    assert done.code == ExitCode.DONE, done.err
    assert "Asking the Panorama API for its panoramas and their pictures" in done.err
    assert baas("blur", pictures, of_files, triton=triton).code == ExitCode.DONE

    assert set(published(of_api)) == {f"{name}.jpg" for name in IDS[:3]}
    assert published(of_api) == published(of_files)


def test_what_the_api_changed_is_blurred_again_and_nothing_else(
    baas: Baas, server: PanoramaServer, source: str, triton: str, tmp_path: Path
) -> None:
    baas("blur", source, tmp_path / "safe", triton=triton)
    before = published(tmp_path / "safe")
    assert baas("blur", source, tmp_path / "safe", "--json", triton=triton).document["now"]["published"] == 0
    server.pictures[f"{IDS[0]}/full"] = server.pictures[f"{IDS[1]}/full"]

    again = baas("blur", source, tmp_path / "safe", "--json", triton=triton)
    assert again.document["now"]["published"] == 1, again.err
    after = published(tmp_path / "safe")
    assert [name for name in after if after[name] != before[name]] == [f"{IDS[0]}.jpg"]


def test_report_audit_and_status_lead_to_the_viewer(
    baas: Baas, server: PanoramaServer, source: str, triton: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pictures[f"{IDS[2]}/full"] = b"no picture"
    safe, page = tmp_path / "safe", tmp_path / "report.html"
    assert baas("blur", source, safe, triton=triton).code == ExitCode.QUARANTINED
    monkeypatch.setenv("BAAS_PANORAMA_VIEWER", "https://viewer.example.org/?id={pano_id}")

    assert baas("report", safe, "-o", page).code == ExitCode.DONE
    links = [f"https://viewer.example.org/?id={name}" for name in IDS[:3]]
    assert all(f'href="{link}"' in page.read_text() for link in links)
    assert links[0] in baas("audit", "show", safe, f"{IDS[0]}.jpg").out
    assert links[2] in baas("status", safe).out
    assert [row["viewer"] for row in baas("status", safe, "--json").document["not_published"]] == links[2:]


def test_a_viewer_that_is_none_is_named(
    baas: Baas, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAAS_PANORAMA_VIEWER", "https://viewer.example.org/")
    ended = baas("blur", source, tmp_path / "safe")

    assert ended.code == ExitCode.CONFIGURATION
    assert "panorama_viewer is 'https://viewer.example.org/': a viewer's address is https://…" in ended.err


def test_a_dry_run_looks_at_panoramas_of_the_api(baas: Baas, source: str, tmp_path: Path) -> None:
    ended = baas("blur", source, tmp_path / "safe", "--dry-run", "--json")

    assert [(one["name"], one["reason"]) for one in json.loads(ended.out)] == [
        (f"{name}.jpg", None) for name in IDS[:3]
    ]
    assert not (tmp_path / "safe").exists()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--delete-source", "after-verified"), "--delete-source is not possible with the Panorama API"),
        (("--exclude", "x"), "There are no pictures (.jpg, .jpeg, .png, .tif, .tiff) in panorama-api:"),
    ],
)
def test_what_the_api_cannot_do_is_said_first(
    baas: Baas, base: str, tmp_path: Path, more: tuple[str, ...], sentence: str
) -> None:
    ended = baas("blur", f"panorama-api:{base}?tags=nobody", tmp_path / "safe", *more)

    assert (ended.code, sentence in ended.err) == (ExitCode.CONFIGURATION, True), ended.err


def test_panoramas_and_folders_are_no_one_source(baas: Baas, source: str, pictures: Path, tmp_path: Path) -> None:
    ended = baas("blur", source, pictures, tmp_path / "safe")

    assert (ended.code, "are a source alone" in ended.err) == (ExitCode.CONFIGURATION, True)


# For pods


@pytest.fixture
def pods(base: str, postgres_url: str, triton: str, tmp_path: Path) -> Pods:
    """The pods of a BlurJob from the API onto a volume."""
    place = {"baseUrl": base, "filters": {"tags": ["mission-bi"]}}
    spec: dict[str, Any] = {
        "source": {"panoramaApi": place, "exclude": [f"{IDS[1]}.jpg"]},
        "output": {"volume": {"claimName": "panoramas"}},
    }
    return make_pods(
        tmp_path,
        spec=spec,
        ledger=postgres_url,
        triton=triton,
        BAAS_OUTPUT_FOLDER=str(tmp_path / "safe"),
        BAAS_PATIENCE_SECONDS="2",
    )


def test_pods_blur_panoramas_of_the_api(pods: Pods, baas: Baas, pictures: Path, triton: str, tmp_path: Path) -> None:
    code, log = pods.run("plan")
    assert (code, log[-1]["run"], log[-1]["added"], log[-1]["excluded"]) == (ExitCode.DONE, UID, 2, 1), pods.last_words
    assert pods.run("work")[0] == ExitCode.DONE
    assert baas("blur", pictures, tmp_path / "files", "--exclude", f"{IDS[1]}.jpg", triton=triton).code == ExitCode.DONE

    assert published(tmp_path / "safe") == published(tmp_path / "files")
    records = pods.records()
    assert records[f"{IDS[0]}.jpg"].size_bytes == len((pictures / f"{IDS[0]}.jpg").read_bytes())
    assert pods.run("plan")[1][-1]["unchanged"] == 3


def test_a_picture_that_changed_since_it_was_planned_waits_for_the_next_planning(
    pods: Pods, server: PanoramaServer, tmp_path: Path
) -> None:
    pods.run("plan")
    server.pictures[f"{IDS[0]}/full"] = server.pictures[f"{IDS[3]}/full"]
    assert pods.run("work")[0] == ExitCode.DONE
    record = pods.records()[f"{IDS[0]}.jpg"]
    assert (record.reason, "another picture since it was listed" in (record.message or "")) == ("Unreadable", True)
    assert set(published(tmp_path / "safe")) == {f"{IDS[2]}.jpg"}

    assert pods.run("plan")[1][-1]["changed"] == 1
    assert pods.run("work")[0] == ExitCode.DONE
    assert set(published(tmp_path / "safe")) == {f"{IDS[0]}.jpg", f"{IDS[2]}.jpg"}


def test_a_panorama_that_is_gone_is_quarantined_and_the_rest_goes_on(
    pods: Pods, server: PanoramaServer, tmp_path: Path
) -> None:
    pods.run("plan")
    del server.panoramas[IDS[0]]
    assert pods.run("work")[0] == ExitCode.DONE

    assert "knows it no more" in (pods.records()[f"{IDS[0]}.jpg"].message or "")
    assert set(published(tmp_path / "safe")) == {f"{IDS[2]}.jpg"}


@pytest.mark.parametrize("planned", [False, True])
def test_a_picture_that_is_refused_is_quarantined_and_the_rest_goes_on(
    pods: Pods, server: PanoramaServer, tmp_path: Path, planned: bool
) -> None:
    if planned:
        pods.run("plan")
    server.failures[f"{IDS[0]}/full"] = [Answer(status=403)] * 1000
    for command in ("work",) if planned else ("plan", "work"):
        assert pods.run(command)[0] == ExitCode.DONE, pods.last_words

    record = pods.records()[f"{IDS[0]}.jpg"]
    assert record.reason == "Unreadable"
    assert f"/pictures/{IDS[0]}/full with 403" in (record.message or "")
    assert set(published(tmp_path / "safe")) == {f"{IDS[2]}.jpg"}


def test_an_api_that_comes_back_is_waited_for_and_one_that_stays_away_ends_the_pod_with_4(
    pods: Pods, server: PanoramaServer
) -> None:
    server.failures[""] = [BUSY] * 2
    assert pods.run("plan")[0] == ExitCode.DONE
    server.failures[IDS[0]] = [BUSY] * 1000

    assert pods.run("work")[0] == ExitCode.UNREACHABLE
    assert f"The Panorama API answers 503 at {server.url}{IDS[0]}/" in pods.last_words
    server.failures.clear()
    assert pods.run("work")[0] == ExitCode.DONE


def test_an_api_that_refuses_ends_the_pod_with_2(pods: Pods, server: PanoramaServer) -> None:
    server.failures[""] = [Answer(status=401)]

    assert pods.run("plan")[0] == ExitCode.CONFIGURATION
    assert "refuses" in pods.last_words
