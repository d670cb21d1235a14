"""A review in a real browser, from signing in to what other commands read of it."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from baas_ledger.tables import MarkKind, Projection
from tests.npm_packages import installed
from tests.postgres import postgres, postgres_url
from tests.waiting import PATIENCE_SECONDS, eventually

from .endpoints import TOKEN, Endpoint
from .reviews import World, review_page, world

__all__ = ["postgres", "postgres_url"]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
BAAS, DETECTOR = (Path(sys.executable).with_name(name) for name in ("baas", "baas-detector"))


@pytest.fixture
def town(tmp_path: Path, postgres_url: str) -> Iterator[World]:
    with world(tmp_path, postgres_url) as it:
        yield it


@pytest.fixture
def site(town: World) -> Iterator[Endpoint]:
    with review_page(town) as it:
        yield it


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on PATH: install the package `chromium` to try the page in it")
    options = ["--enable-unsafe-swiftshader", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=options, timeout=1000 * PATIENCE_SECONDS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, site: Endpoint) -> Iterator[Page]:
    """A page that asks nobody but the service for anything, and logs no error but what is expected of it."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE_SECONDS)
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    own = (site.url, f"blob:{site.url}", "data:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert [error for error in errors if "status of 4" not in error] == []


def sign_in(page: Page, site: Endpoint) -> None:
    page.goto(f"{site.url}/review")
    page.locator("#token:focus").wait_for()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Runs to review").wait_for()


def open_run(page: Page) -> None:
    page.get_by_role("link", name="town-5d1c6d0e").focus()
    page.keyboard.press("Enter")
    shown(page)


def shown(page: Page) -> str:
    """Wait until a picture is drawn; return its name."""
    page.locator("body[data-state=shown]").wait_for()
    return page.locator("h1").inner_text()


def until(page: Page, sentence: str) -> None:
    page.get_by_role("status").filter(has_text=sentence).wait_for()


def go_to(page: Page, name: str) -> None:
    while shown(page) == name or page.locator("#place").inner_text()[0] != "1":
        if shown(page) == name:
            return
        page.keyboard.press("p")
    while shown(page) != name:
        page.keyboard.press("n")


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 at level A and AA."""
    # Through the debugger: the page's own policy runs no such script.
    page.evaluate((installed("axe") / "axe-core" / "axe.min.js").read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run({runOnly: tags})", tags)
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


def run_command(*arguments: Any) -> str:
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_whole_review_by_keyboard_and_what_other_commands_read_of_it(
    page: Page, site: Endpoint, town: World, tmp_path: Path
) -> None:
    sign_in(page, site)
    open_run(page)
    go_to(page, "a/panorama.jpg")
    for _ in range(18):  # a twelfth of 60 degrees each
        page.keyboard.press("ArrowRight")
    page.keyboard.press("m")
    until(page, "Missed person is marked.")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("m")
    eventually(lambda: len(town.marks()) == 2)
    page.locator("#marks li").nth(1).wait_for()
    page.keyboard.press("u")
    until(page, "The mark is taken back.")
    page.keyboard.press("c")
    page.keyboard.press("o")
    until(page, "Over-blurred licence plate is marked.")
    first, second = town.marks()
    assert (first.finding.kind, first.finding.projection) == (MarkKind.MISSED, Projection.SPHERE)
    assert (first.finding.x, first.finding.y) == (pytest.approx(90, abs=0.01), pytest.approx(0, abs=0.01))
    assert 5 < first.finding.width < first.finding.height < 20
    assert second.finding.kind == MarkKind.OVER_BLURRED
    assert second.finding.y == pytest.approx(-5, abs=0.01)
    assert len(first.reviewer) == 8
    page.keyboard.press("d")
    eventually(lambda: town.looked_at() == {"a/panorama.jpg"})

    page.locator("#looked", has_text="1 of 3").wait_for()
    page.reload()
    assert shown(page) == next(name for name in town.names if name != "a/panorama.jpg")
    go_to(page, "a/panorama.jpg")
    assert page.locator("#marks li").count() == 2
    assert page.locator(".psv-marker.box").count() == 2
    go_to(page, "photo.jpg")
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("m")
    until(page, "Missed person is marked.")
    assert town.marks()[-1].finding.projection == Projection.FLAT
    for name in ("photo.jpg", "b.jpg"):
        go_to(page, name)
        page.keyboard.press("d")
        eventually(lambda name=name: name in town.looked_at())
    until(page, "All pictures are looked at.")

    findings, reports, coco = (tmp_path / name for name in ("findings.csv", "reports.json", "coco.json"))
    run_command(
        *(BAAS, "review", "export", town.run, "--ledger", town.url, "--worklist", town.sample / "worklist.csv"),
        *("--acceptance", findings, "--redact-more", reports, "--coco", coco),
    )
    with findings.open(newline="") as file:
        assert {row["image"]: row["missed"] for row in csv.DictReader(file)} == {
            "a/panorama.jpg": "1",
            "b.jpg": "0",
            "photo.jpg": "1",
        }
    result = json.loads(run_command(DETECTOR, "acceptance", "result", findings, "--json"))
    assert json.dumps(result).count('"missed": 2') >= 1
    told = run_command(
        *(BAAS, "redact-more", town.published, "--reports", reports, "--ledger", town.url, "--run", town.run)
    )
    assert "2 redacted" in told
    counted = json.loads(run_command(DETECTOR, "convert", coco, "--json"))
    assert json.dumps(counted).count("over_blurred") >= 1


def test_every_view_can_be_used_by_everybody(page: Page, site: Endpoint) -> None:
    page.goto(f"{site.url}/review")
    assert violations(page) == []
    page.locator("#token:focus").wait_for()
    page.keyboard.type("wrong-token-wrong-token")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert violations(page) == []
    sign_in(page, site)
    assert violations(page) == []
    open_run(page)
    page.keyboard.press("m")
    until(page, "Missed person is marked.")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == []
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keys").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    go_to(page, "photo.jpg")
    assert violations(page) == []


def test_keys_of_one_letter_can_be_switched_off(page: Page, site: Endpoint, town: World) -> None:
    sign_in(page, site)
    open_run(page)
    page.keyboard.press("?")
    page.get_by_label("Keys of one letter are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    page.get_by_role("button", name="Mark over-blurring").click()
    until(page, "Over-blurred person is marked.")
    assert [mark.finding.kind for mark in town.marks()] == [MarkKind.OVER_BLURRED]


def test_a_picture_that_is_not_what_was_published_is_not_shown_and_not_done(
    page: Page, site: Endpoint, town: World
) -> None:
    name = town.names[0]
    (town.sample / name).write_bytes((town.sample / name).read_bytes() + b" ")
    sign_in(page, site)
    page.get_by_role("link", name="town-5d1c6d0e").click()
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert "is not what the ledger says was published" in problem.inner_text()
    assert page.locator("#picture canvas, #picture img").count() == 0
    page.keyboard.press("m")
    page.keyboard.press("d")
    page.keyboard.press("n")
    shown(page)
    assert town.looked_at() == set()
    assert town.marks() == []
