"""The report page in a real browser, opened from a file, with drawn pictures."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_preprocess.facts import Digest
from baas_preprocess.report import ImageState, Report, ReportBox, ReportImage, page_picture, render
from baas_preprocess.upright import upright
from tests.waiting import PATIENCE_SECONDS, eventually

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WIDTH, HEIGHT = 2048, 1024
GREY = (120, 120, 120)
# BGR; far apart in hue, so that a rectangle is found in a screenshot whatever JPEG made of it
COLOURS = ((0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 255, 255), (255, 0, 255))


def box(x: float, y: float, width: float, height: float, kind: ObjectClass = ObjectClass.PERSON) -> ReportBox:
    return ReportBox(x=x, y=y, width=width, height=height, object_class=kind, score=0.5)


BOXES = {
    "in the middle": box(0.48, 0.45, 0.06, 0.1),
    "across the seam": box(0.97, 0.5, 0.06, 0.12),
    "near the nadir": box(0.2, 0.84, 0.12, 0.1),
    "near the zenith": box(0.7, 0.05, 0.1, 0.1),
    "small": box(0.3, 0.55, 0.02, 0.02, ObjectClass.LICENCE_PLATE),
}


def drawn(boxes: Sequence[ReportBox]) -> npt.NDArray[np.uint8]:
    """A grey picture with one rectangle a box, each of its own colour."""
    picture = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    for each, colour in zip(boxes, COLOURS, strict=False):
        columns = np.arange(round(each.x * WIDTH), round((each.x + each.width) * WIDTH)) % WIDTH
        picture[round(each.y * HEIGHT) : round((each.y + each.height) * HEIGHT), columns] = colour
    return picture


def published(name: str, *, wraps: bool = True, orientation: int = 1, boxes: Sequence[ReportBox] = ()) -> ReportImage:
    encoded = cv2.imencode(".png", drawn(boxes))[1].tobytes()
    return ReportImage(
        name=name,
        state=ImageState.PUBLISHED,
        width_px=WIDTH,
        height_px=HEIGHT,
        wraps=wraps,
        orientation=orientation,
        boxes=boxes,
        masked_share=0.02,
        seconds_per_step={"decode": 0.1, "detect": 1.2},
        picture=page_picture(encoded, width_px=WIDTH, orientation=orientation),
        link=f"{name}.jpg",
    )


PANORAMA = published("panorama", boxes=list(BOXES.values()))
PHOTO = published("photo", wraps=False, boxes=[box(0.1, 0.2, 0.1, 0.3), box(0.6, 0.5, 0.2, 0.2)])
TRUNCATED = ReportImage(
    name='<script>document.title="run"</script>\n.jpg',
    state=ImageState.QUARANTINED,
    reason=QuarantineReason.TRUNCATED,
    message="the data ends at row 7",
)
DAMAGED = ReportImage(name="damaged", state=ImageState.QUARANTINED, reason=QuarantineReason.DAMAGED)
PENDING = ReportImage(name="pending", state=ImageState.PENDING)


def report(*images: ReportImage) -> Report:
    digest = Digest("sha256:" + "0" * 64)
    return Report(
        title="safe",
        generated_at=datetime(2024, 7, 12, tzinfo=UTC),
        source="panoramas",
        destination="safe",
        model_digest=digest,
        config_digest=digest,
        settings={"method": "pixelate"},
        started=None,
        finished=None,
        seconds=60,
        images=images,
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on PATH: install the package `chromium` to try the page in it")
    options = ["--enable-unsafe-swiftshader", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=options, timeout=1000 * PATIENCE_SECONDS)
        yield started
        started.close()


@dataclass
class Shown:
    """A page and what the browser said about it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def row(self, name: str) -> Locator:
        return self.page.locator("tbody tr").filter(has=self.page.get_by_role("button", name=name, exact=True))

    def open(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.locator("#viewer .stage canvas:visible, #viewer .stage img:visible").wait_for()
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.settle()

    def names(self) -> list[str]:
        return self.page.locator("tbody tr:visible .open").all_inner_texts()

    def outlines(self) -> list[str]:
        return self.page.locator(".overlay path").evaluate_all("paths => paths.map(path => path.getAttribute('d'))")


@pytest.fixture
def show(browser: Browser, tmp_path: Path):
    """Open a report as a file; in the end no error may have been logged and nothing else been asked for."""
    seen: list[Shown] = []

    def _show(what: Report | str, *, width: int = 1200, init: str = "", scheme: str = "light") -> Shown:
        file = tmp_path / "report.html"
        file.write_text(what if isinstance(what, str) else render(what), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(1000 * PATIENCE_SECONDS)
        shown = Shown(page)
        page.on("console", lambda message: shown.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: shown.errors.append(str(error)))
        page.on("request", lambda request: shown.requests.append(request.url))
        if init:
            page.add_init_script(init)
        page.goto(file.as_uri())
        seen.append(shown)
        return shown

    yield _show
    for shown in seen:
        shown.page.context.close()
        assert shown.errors == []
        assert [url for url in shown.requests if not url.startswith("data:")] == [(tmp_path / "report.html").as_uri()]


def polygons(outline: str) -> list[npt.NDArray[np.int32]]:
    """The corners of an SVG path of `M…L…Z` pieces."""
    pieces = [re.findall(r"(-?[\d.]+),(-?[\d.]+)", piece) for piece in outline.split("Z") if piece]
    return [np.array([[float(x), float(y)] for x, y in piece]).round().astype(np.int32) for piece in pieces]


def overlap(shown: Shown, index: int) -> float:
    """Intersection over union of a box's outline and the rectangle of its colour on the screen."""
    outline = shown.outlines()[index]
    shown.press("b")
    stage = shown.page.locator(".stage")
    screen = cv2.imdecode(np.frombuffer(stage.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    shown.press("b")
    coloured = np.abs(screen.astype(int) - COLOURS[index]).max(axis=2) < 90
    inside = np.zeros(screen.shape[:2], np.uint8)
    cv2.fillPoly(inside, polygons(outline), 1)
    return float((coloured & (inside > 0)).sum() / (coloured | (inside > 0)).sum())


@pytest.mark.parametrize("place", BOXES)
def test_a_box_lies_on_its_content_when_seen_from_inside_the_panorama(show, place: str):
    shown = show(report(PANORAMA))
    shown.open("panorama")
    index = list(BOXES).index(place)
    shown.page.locator("aside li button").nth(index).click()
    shown.settle()
    assert shown.page.locator(".stage canvas").is_visible()
    assert overlap(shown, index) > 0.9
    for key in ("ArrowLeft", "ArrowUp", "+", "ArrowUp"):
        shown.press(key)
    assert overlap(shown, index) > 0.9


def test_the_first_view_spans_ninety_degrees_along_the_longer_side(show):
    eastern, upper = (
        box(0.5, 0.5, 0.125, 0.01),
        box(0.5, 1 / 3, 0.01, 1 / 6),
    )  # up to 45° east, up to 30° above the horizon
    shown = show(report(published("angles", boxes=[eastern, upper])))
    shown.open("angles")
    size = shown.page.locator(".stage").bounding_box()
    width, height = size["width"], size["height"]
    assert width > height
    east, up = (polygons(outline)[0] for outline in shown.outlines())
    assert east[:, 0].max() == pytest.approx(width, abs=2)
    assert up[:, 1].min() == pytest.approx(height / 2 - width / 2 * np.tan(np.radians(30)), abs=2)


def test_boxes_lie_on_their_content_in_the_flat_view_of_a_panorama(show):
    shown = show(report(PANORAMA))
    shown.open("panorama")
    shown.press("f")
    assert shown.page.locator(".stage img").is_visible()
    for index, place in enumerate(BOXES):
        assert overlap(shown, index) > 0.85, place
    assert shown.outlines()[list(BOXES).index("across the seam")].count("Z") == 2


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_boxes_lie_on_their_content_in_a_photo_of_any_orientation(show, orientation: int):
    shown = show(report(published("turned", wraps=False, orientation=orientation, boxes=PHOTO.boxes)))
    shown.open("turned")
    for index in range(2):
        assert overlap(shown, index) > 0.9
        shown.press("+")
    assert upright(drawn(PHOTO.boxes), orientation).shape[:2] == tuple(
        shown.page.locator(".stage img").evaluate("image => [image.naturalHeight, image.naturalWidth]")
    )


def test_a_panorama_is_shown_flat_where_the_browser_has_no_webgl(show):
    shown = show(report(PANORAMA), init="HTMLCanvasElement.prototype.getContext = () => null")
    shown.open("panorama")
    assert shown.page.locator(".stage img").is_visible()
    assert overlap(shown, 0) > 0.85


def test_a_panorama_is_shown_flat_once_the_graphics_card_goes_away(show):
    shown = show(report(PANORAMA))
    shown.open("panorama")
    shown.page.evaluate(
        "document.querySelector('canvas').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()"
    )
    shown.page.locator(".stage img:visible").wait_for()
    shown.settle()
    assert overlap(shown, 0) > 0.85


def test_the_viewer_is_led_by_the_keyboard_alone(show):
    shown = show(report(PANORAMA, TRUNCATED, PHOTO))
    name = shown.page.locator("#viewer-name")
    shown.page.get_by_role("button", name="panorama", exact=True).focus()
    shown.press("Enter")
    shown.page.locator(".stage canvas:visible").wait_for()
    shown.settle()
    before = shown.outlines()
    shown.press("ArrowRight")
    assert shown.outlines() != before
    shown.press("0")
    assert shown.outlines() == before
    shown.press("n")
    assert "document.title" in name.inner_text()
    shown.press("n")
    assert name.inner_text() == "photo"
    shown.press("n")
    assert name.inner_text() == "photo"
    shown.press("p")
    shown.press("p")
    assert name.inner_text() == "panorama"
    shown.press("Escape")
    assert not shown.page.locator("#viewer").is_visible()
    assert shown.page.evaluate("document.activeElement.innerText") == "panorama"


def test_dragging_and_the_wheel_turn_and_zoom(show):
    shown = show(report(PANORAMA))
    shown.open("panorama")
    first = polygons(shown.outlines()[0])[0]
    shown.page.mouse.move(400, 400)
    shown.page.mouse.down()
    shown.page.mouse.move(500, 400)
    shown.page.mouse.up()
    shown.settle()
    dragged = polygons(shown.outlines()[0])[0]
    assert 80 < (dragged - first)[:, 0].mean() < 120
    shown.page.mouse.wheel(0, -300)  # returns before the page hears of it
    eventually(lambda: np.ptp(polygons(shown.outlines()[0])[0][:, 0]) > 1.2 * np.ptp(dragged[:, 0]))


def test_a_quarantined_image_opens_to_its_reason_and_no_picture(show):
    shown = show(report(PANORAMA, TRUNCATED))
    shown.row(r'<script>document.title="run"</script>\n.jpg').locator(".open").click()
    stage = shown.page.locator(".stage")
    assert "Not published: quarantined" in stage.inner_text()
    assert "Truncated The picture ends before its last row" in stage.inner_text()
    assert "the data ends at row 7" in stage.inner_text()
    assert not stage.locator("canvas:visible, img:visible, path").count()


def test_the_published_file_is_one_link_away(show, tmp_path: Path):
    shown = show(report(PANORAMA))
    shown.open("panorama")
    link = shown.page.get_by_role("link", name="Open the published file")
    assert link.evaluate("link => link.href") == (tmp_path / "panorama.jpg").as_uri()


def test_images_are_filtered_by_name_state_and_reason(show):
    shown = show(report(PANORAMA, PHOTO, TRUNCATED, DAMAGED, PENDING))
    shown.page.get_by_label("State").select_option("quarantined")
    assert len(shown.names()) == 2
    shown.page.get_by_label("Reason").select_option("Damaged")
    assert shown.names() == ["damaged"]
    assert shown.page.locator("#shown").inner_text() == "1 of 5 shown"
    shown.page.get_by_label("Name").fill("PANO")
    assert shown.names() == []
    shown.page.get_by_role("button", name="Show all").click()
    assert len(shown.names()) == 5
    shown.page.get_by_label("Name").fill("PANO")
    assert shown.names() == ["panorama"]
    shown.page.get_by_role("button", name="1 Damaged").click()
    assert shown.names() == ["damaged"]


def test_next_walks_along_what_is_shown(show):
    shown = show(report(PANORAMA, DAMAGED, PHOTO))
    shown.page.get_by_label("State").select_option("published")
    shown.open("panorama")
    shown.press("n")
    assert shown.page.locator("#viewer-name").inner_text() == "photo"


def test_images_are_sorted_by_any_column_both_ways(show):
    few, many = replace(PHOTO, name="a 10", boxes=PHOTO.boxes[:1]), replace(PHOTO, name="a 9")
    shown = show(report(few, many, PENDING))
    head = shown.page.locator("thead")
    head.get_by_role("button", name="Persons").click()
    assert shown.names() == ["pending", "a 10", "a 9"]
    head.get_by_role("button", name="Persons").click()
    assert shown.names() == ["a 9", "a 10", "pending"]
    assert head.locator("th[aria-sort=descending]").inner_text().startswith("Persons")
    head.get_by_role("button", name="Image").click()
    assert shown.names() == ["a 9", "a 10", "pending"]


def test_a_script_that_got_past_the_escaping_would_still_not_run(show):
    page = render(report(PANORAMA)).replace("</main>", '<script>document.title = "run"</script></main>')
    shown = show(page)
    assert shown.page.title() == "safe: redaction report"
    assert "Content Security Policy" in shown.errors.pop()
    assert shown.errors == []


def test_the_page_cannot_send_anything_anywhere(show):
    shown = show(report(PANORAMA))
    answer = shown.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    assert answer == "refused"
    assert "Content Security Policy" in shown.errors.pop(0)
    shown.errors.clear()


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1600])
def test_nothing_is_wider_than_the_screen(show, width: int):
    shown = show(report(replace(PANORAMA, name="a-long-name" * 20), TRUNCATED, PENDING), width=width)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_is_dark_where_the_reader_wants_it_dark(show):
    grounds = [
        show(report(PANORAMA), scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert grounds == ["rgb(246, 247, 249)", "rgb(16, 19, 23)"]


def test_paper_gets_the_list_without_its_controls(show):
    shown = show(report(PANORAMA, TRUNCATED))
    shown.page.emulate_media(media="print")
    assert not shown.page.locator(".controls").is_visible()
    assert len(shown.names()) == 2
    assert shown.page.pdf(format="A4").startswith(b"%PDF")


def test_two_thousand_images_can_be_searched_and_opened(show):
    images = [replace(PANORAMA, name=f"image {number}", picture=None) for number in range(1999)]
    shown = show(report(*images, PANORAMA))
    shown.page.get_by_label("Name").fill("panorama")
    assert shown.names() == ["panorama"]
    shown.open("panorama")
    assert len(shown.outlines()) == len(BOXES)


def test_an_empty_run_is_a_page_too(show):
    shown = show(report())
    assert "There is no image in this run." in shown.page.inner_text("body")
