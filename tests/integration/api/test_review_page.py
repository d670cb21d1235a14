"""What the review page answers: to whom, and nothing that is not what was published."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.storage.blob import ContainerClient

from tests.azurite import Azurite, azurite, container
from tests.postgres import postgres, postgres_url

from .endpoints import TOKEN, Endpoint
from .reviews import OWN, PICTURES, World, review_page, world

__all__ = ["azurite", "container", "postgres", "postgres_url"]

SPHERE = {"yaw": 90.0, "pitch": -5.0, "width_deg": 4.0, "height_deg": 8.0}
AS_JSON = {"Content-Type": "application/json"}
FLAT = {"x": 0.5, "y": 0.5, "width": 0.1, "height": 0.2}


@pytest.fixture
def town(tmp_path: Path, postgres_url: str) -> Iterator[World]:
    with world(tmp_path, postgres_url) as it:
        yield it


@pytest.fixture
def page(town: World) -> Iterator[Endpoint]:
    with review_page(town) as it:
        yield it


@pytest.fixture
def client(page: Endpoint) -> Iterator[httpx.Client]:
    with page.client() as it:
        yield it


def mark(box: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"kind": "missed", "class": "person", "box": box, **changed}


def test_a_stranger_gets_a_form_and_nothing_else(page: Endpoint, town: World) -> None:
    run = f"/review/runs/{town.run}"
    with page.client(token=None) as stranger:
        for path in ("/review", run):
            answer = stranger.get(path)
            assert answer.status_code == 401
            assert 'name="token"' in answer.text
            assert town.run not in answer.text
        asked = [
            stranger.get(f"{run}/work"),
            stranger.get(f"{run}/pictures/1"),
            stranger.put(f"{run}/pictures/1", json={"done": True}),
            stranger.post(f"{run}/pictures/1/marks", json=mark(SPHERE)),
            stranger.delete(f"{run}/marks/1"),
        ]
        assert [answer.status_code for answer in asked] == [401] * 5
        wrong = stranger.post("/review/session", data={"token": "x" * 20}, headers={"Sec-Fetch-Site": "same-origin"})
        assert wrong.status_code == 401
        assert "set-cookie" not in wrong.headers
    assert town.marks() == []
    assert town.looked_at() == set()


def test_a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(page: Endpoint, town: World) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    with page.client(token=None) as browser:
        answer = browser.post("/review/session", data={"token": TOKEN}, headers=own)
        assert answer.status_code == 303
        name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
        assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(answer.headers["set-cookie"].split("; "))
        assert TOKEN not in value
        cookie = {"Cookie": f"{name}={value}"}
        assert browser.get(f"/review/runs/{town.run}/work", headers=cookie).status_code == 200
        looked = f"/review/runs/{town.run}/pictures/1"
        for site in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            refused = browser.put(looked, json={"done": True}, headers=cookie | site)
            assert (refused.status_code, refused.json()["reason"]) == (403, "Forbidden")
        assert town.looked_at() == set()
        assert browser.put(looked, json={"done": True}, headers=cookie | own).status_code == 204
        assert town.looked_at() == {town.names[0]}
        forged = {"Cookie": f"{name}=9{value}"}
        assert browser.get(f"/review/runs/{town.run}/work", headers=forged).status_code == 401


def test_pictures_are_those_that_were_published_and_no_cache_keeps_them(client: httpx.Client, town: World) -> None:
    for number, name in enumerate(town.names, 1):
        answer = client.get(f"/review/runs/{town.run}/pictures/{number}")
        assert answer.content == PICTURES[name]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["baas-projection"] == ("flat" if name == "photo.jpg" else "sphere")


def test_a_picture_that_is_not_what_was_recorded_is_not_shown(client: httpx.Client, town: World) -> None:
    (town.sample / "photo.jpg").write_bytes(PICTURES["photo.jpg"] + b" ")
    (town.sample / "b.jpg").unlink()
    for name in ("photo.jpg", "b.jpg"):
        path = f"/review/runs/{town.run}/pictures/{town.number(name)}"
        answers = [
            client.get(path),
            client.put(path, json={"done": True}),
            client.post(f"{path}/marks", json=mark(FLAT)),
        ]
        assert {(answer.status_code, answer.json()["reason"]) for answer in answers} == {(409, "NotAsPublished")}
    assert town.looked_at() == set()
    assert town.marks() == []


@pytest.mark.parametrize(
    ("name", "body", "sentence"),
    [
        ("photo.jpg", mark(SPHERE), "this picture is flat"),
        ("b.jpg", mark(FLAT), "this picture is sphere"),
        ("b.jpg", mark(SPHERE | {"pitch": 91}), "pitch: Input should be less than or equal to 90"),
        ("b.jpg", mark(SPHERE | {"width_deg": 0}), "width_deg: Input should be greater than 0"),
        ("photo.jpg", mark(FLAT | {"width": 0}), "width: Input should be greater than 0"),
        ("b.jpg", mark(SPHERE, kind="ugly"), "kind: Input should be"),
        ("b.jpg", mark(SPHERE, **{"class": "dog"}), "class: Input should be"),
        ("b.jpg", mark(SPHERE, name="somebody"), "name: Extra inputs"),
        ("b.jpg", {}, "kind: Field required"),
    ],
)
def test_a_mark_that_is_none_is_refused_with_a_sentence(
    client: httpx.Client, town: World, name: str, body: dict[str, Any], sentence: str
) -> None:
    answer = client.post(f"/review/runs/{town.run}/pictures/{town.number(name)}/marks", json=body)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    assert town.marks() == []


def test_what_there_is_not_is_told_so(client: httpx.Client, town: World) -> None:
    run = f"/review/runs/{town.run}"
    for answer in (
        client.get("/review/runs/no-such-run/work"),
        client.get(f"{run}/pictures/0"),
        client.get(f"{run}/pictures/4"),
        client.delete(f"{run}/marks/1"),
        client.get("/review/static/x/pages.py"),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")
    too_long = client.post(f"{run}/pictures/1/marks", content=b" " * 20_000, headers=AS_JSON)
    assert too_long.status_code == 413
    assert client.put(f"{run}/pictures/1", content=b"{}").status_code == 415


def test_the_page_may_load_nothing_from_elsewhere(client: httpx.Client, town: World) -> None:
    answer = client.get(f"/review/runs/{town.run}")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_sample_is_read_from_blob_storage_too(town: World, azurite: Azurite, container: ContainerClient) -> None:
    for name in ("worklist.csv", *PICTURES):
        container.upload_blob(f"safe-quality-check/{OWN}/{name}", (town.sample / name).read_bytes())
    container.upload_blob(f"safe-quality-check/{OWN}/b.jpg", b"another picture", overwrite=True)
    there = {
        "BAAS_API_REVIEW_SAMPLES": f"{azurite.account_url}/{container.container_name}/safe-quality-check",
        "BAAS_OUTPUT_CONNECTION_STRING": azurite.connection_string,
    }
    with review_page(town, **there) as page, page.client() as client:
        pictures = f"/review/runs/{town.run}/pictures"
        assert client.get(f"{pictures}/{town.number('photo.jpg')}").content == PICTURES["photo.jpg"]
        assert client.get(f"{pictures}/{town.number('b.jpg')}").status_code == 409
