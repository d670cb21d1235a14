"""The report page as text: what it says, that it is whole, and that no name can break out of it."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from importlib.resources import files
from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from baas_crds.codes import ObjectClass, QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.facts import Digest
from baas_preprocess.report import ImageState, Report, ReportBox, ReportImage, page_picture, render
from baas_preprocess.report.figures import histograms, step_seconds, sums
from baas_preprocess.report.page import upright_box, visible
from baas_preprocess.upright import upright

NOON = datetime(2024, 7, 12, 12, tzinfo=UTC)
DIGEST = Digest("sha256:" + "5e" * 32)
JPEG = page_picture(cv2.imencode(".png", np.full((8, 16, 3), 90, np.uint8))[1].tobytes(), width_px=16, orientation=1)
PERSON = ReportBox(x=0.9, y=0.5, width=0.2, height=0.1, object_class=ObjectClass.PERSON, score=0.87)
PLATE = ReportBox(x=0.1, y=0.6, width=0.02, height=0.01, object_class=ObjectClass.LICENCE_PLATE, score=0.31)
PUBLISHED = ReportImage(
    name="street/one.jpg",
    state=ImageState.PUBLISHED,
    width_px=8000,
    height_px=4000,
    wraps=True,
    boxes=(PERSON, PLATE),
    masked_share=0.04,
    seconds_per_step={"decode": 0.15, "detect": 1.5},
    input_digest=DIGEST,
    output_digest=DIGEST,
    picture=JPEG,
    link="street/one.jpg",
)
QUARANTINED = ReportImage(
    name="street/two.jpg",
    state=ImageState.QUARANTINED,
    reason=QuarantineReason.TRUNCATED,
    message="the data ends at row 1,204 of 4,000",
)


def report(*images: ReportImage) -> Report:
    return Report(
        title="Redaction report",
        generated_at=NOON,
        source="panoramas",
        destination="safe",
        model_digest=DIGEST,
        config_digest=DIGEST,
        settings={"method": "pixelate"},
        started=NOON - timedelta(minutes=2),
        finished=NOON,
        seconds=90,
        images=images,
    )


class Parts(HTMLParser):
    """Tags with their attributes, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.silent = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.silent += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    @property
    def structure(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.tags]

    def addresses(self) -> Iterator[str]:
        for _, attributes in self.tags:
            yield from (attributes[name] or "" for name in ("src", "href", "data-link", "action") if name in attributes)


def test_a_second_look_is_told_where_there_was_one():
    looked = replace(PUBLISHED, second_looks=2, found_later=3, residuals=1)
    assert "looked at again: 3 found later, 1 seen under the mask" in Parts(render(report(looked))).text
    assert "looked at again" not in Parts(render(report(PUBLISHED))).text


def test_a_quarantined_image_stands_there_with_reason_explanation_and_message_and_without_a_picture():
    page = Parts(render(report(QUARANTINED)))
    assert "Truncated The picture ends before its last row: copy it again from its source." in page.text
    assert "the data ends at row 1,204 of 4,000" in page.text
    assert not [tag for tag, attributes in page.tags if tag == "img" and "src" in attributes]


@pytest.mark.parametrize("state", [state for state in ImageState if state is not ImageState.PUBLISHED])
def test_what_is_not_published_can_have_neither_picture_nor_link(state: ImageState):
    for forbidden in ({"picture": JPEG}, {"link": "two.jpg"}):
        with pytest.raises(ValueError, match=f"is {state}, so the page may hold no picture"):
            ReportImage(name="two.jpg", state=state, **forbidden)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "https://example.org/a", "//example.org/a"]
)
def test_a_link_leads_to_a_file_beside_the_page_and_nowhere_else(link: str):
    with pytest.raises(ValueError, match="is not relative to the page"):
        replace(PUBLISHED, link=link)


def test_the_page_names_no_address_but_its_own_data_and_the_published_files():
    page = Parts(render(report(PUBLISHED, QUARANTINED)))
    assert {address for address in page.addresses() if not address.startswith("data:")} == {"street/one.jpg"}


def test_the_pages_policy_runs_its_own_script_and_style_only():
    html = render(report(PUBLISHED))
    policy = next(attributes["content"] for tag, attributes in Parts(html).tags if "http-equiv" in attributes)
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL).group(1)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    for kind, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")


@settings(max_examples=60, deadline=None)
@given(
    st.text(min_size=1, max_size=30) | st.sampled_from(["</script><script>alert(1)</script>", "<!--", '"><img src=x>'])
)
def test_no_name_or_message_changes_the_structure_of_the_page(text: str):
    plain = Parts(render(report(PUBLISHED, QUARANTINED)))
    odd = render(report(replace(PUBLISHED, name=text), replace(QUARANTINED, name=text, message=text)))
    assert Parts(odd).structure == plain.structure
    assert " ".join(visible(text).split()) in Parts(odd).text
    odd.encode("utf-8")


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_no_setting_source_or_title_changes_the_structure_of_the_page(text: str):
    plain = Parts(render(report(PUBLISHED)))
    odd = replace(report(PUBLISHED), title=text, source=text, destination=text, settings={text: text})
    assert Parts(render(odd)).structure == plain.structure


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        pytest.param("a\nb.jpg", r"a\nb.jpg", id="a newline"),
        pytest.param("gpj.\u202eexe", r"gpj.\u202eexe", id="a turn of the writing direction"),
        pytest.param("a\udcffb.jpg", r"a\udcffb.jpg", id="a byte that is not UTF-8"),
        pytest.param("מפה.jpg", "מפה.jpg", id="Hebrew stays as it is"),
    ],
)
def test_what_nobody_would_see_in_a_name_is_spelled_out(name: str, seen: str):
    assert seen in Parts(render(report(replace(QUARANTINED, name=name)))).text


def test_the_same_report_gives_the_same_page():
    assert render(report(PUBLISHED, QUARANTINED)) == render(report(PUBLISHED, QUARANTINED))


def test_each_picture_is_in_the_page_once():
    assert render(report(PUBLISHED, QUARANTINED)).count(base64.b64encode(JPEG).decode()) == 1


def test_a_run_without_images_says_so():
    page = Parts(render(report()))
    assert "There is no image in this run." in page.text
    assert "Nothing was found in panoramas." in page.text
    assert "table" not in [tag for tag, _ in page.tags]


def test_a_run_before_its_first_image_needs_no_model_and_no_times():
    page = render(replace(report(), model_digest=None, started=None, finished=None, seconds=None))
    assert "not yet" in Parts(page).text


def test_two_thousand_images_fit_on_the_page():
    images = [replace(PUBLISHED, name=f"{number}.jpg", picture=None) for number in range(2000)]
    page = Parts(render(report(*images)))
    assert sum("data-index" in attributes for _, attributes in page.tags) == 2000
    assert "All 2,000 images are published." in page.text


def test_the_verdict_counts_every_state():
    pending = ReportImage(name="three.jpg", state=ImageState.PENDING)
    excluded = ReportImage(name="four.jpg", state=ImageState.EXCLUDED, message="on the list")
    page = Parts(render(report(PUBLISHED, QUARANTINED, pending, excluded)))
    assert "1 of 4 images is published, 1 quarantined, 1 excluded, 1 pending." in page.text


def test_the_masked_share_weighs_each_image_by_its_pixels():
    small = replace(PUBLISHED, width_px=800, height_px=400, masked_share=1.0)
    assert sums(report(PUBLISHED, small)).masked_share == pytest.approx((0.04 * 100 + 1) / 101)


def test_the_rate_counts_published_and_quarantined_images_and_is_unknown_without_a_time():
    assert sums(report(PUBLISHED, QUARANTINED)).images_per_minute == pytest.approx(60 * 2 / 90)
    assert sums(replace(report(PUBLISHED), seconds=None)).images_per_minute is None


counts = st.lists(st.integers(0, 30), min_size=1, max_size=8)


@given(persons=counts, score=st.floats(0, 1), share=st.floats(0, 1))
def test_every_image_and_every_object_is_in_one_bar_of_each_distribution(
    persons: list[int], score: float, share: float
):
    box = replace(PERSON, score=score)
    images = [replace(PUBLISHED, boxes=[box] * number, masked_share=share) for number in persons]
    per_image, scores, shares = histograms(report(*images, QUARANTINED))
    assert sum(per_image.series["persons"]) == sum(per_image.series["licence plates"]) == len(persons)
    assert sum(scores.series["persons"]) == sum(persons)
    assert sum(shares.series["images"]) == len(persons)
    for histogram in (per_image, scores, shares):
        assert all(len(bars) == len(histogram.bins) for bars in histogram.series.values())


def test_steps_keep_their_order_and_show_median_and_95th_percentile():
    images = [replace(PUBLISHED, seconds_per_step={"fetch": number / 100, "decode": 1.0}) for number in range(101)]
    fetch, decode = step_seconds(images)
    assert (fetch.step, decode.step) == ("fetch", "decode")
    assert (fetch.median, fetch.high) == pytest.approx((0.5, 0.95))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_lie_where_their_content_is_once_the_picture_is_upright(orientation: int):
    stored = np.zeros((40, 60, 3), np.uint8)
    stored[8:16, 12:30] = 255
    box = ReportBox(x=12 / 60, y=8 / 40, width=18 / 60, height=8 / 40, object_class=ObjectClass.PERSON, score=1)
    rows, columns = np.nonzero(upright(stored, orientation)[..., 0])
    height, width = upright(stored, orientation).shape[:2]
    shown = upright_box(box, orientation)
    assert (shown.left * width, shown.right * width) == pytest.approx((columns.min(), columns.max() + 1))
    assert (shown.top * height, shown.bottom * height) == pytest.approx((rows.min(), rows.max() + 1))


@pytest.mark.parametrize("container", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_pages_picture_is_upright_whatever_the_container_says(container: str, orientation: int):
    stored = np.zeros((80, 120, 3), np.uint8)
    stored[:20, :30] = (250, 30, 30)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    Image.fromarray(stored).save(file, container, exif=exif)
    shown = np.asarray(Image.open(BytesIO(page_picture(file.getvalue(), width_px=400, orientation=orientation))))
    expected = upright(stored, orientation)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 6


def test_a_pages_picture_is_scaled_down_never_up_and_carries_no_metadata():
    file = BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "maker"
    Image.new("RGB", (400, 200)).save(file, "JPEG", exif=exif)
    for width_px, expected in ((100, (100, 50)), (4000, (400, 200))):
        picture = Image.open(BytesIO(page_picture(file.getvalue(), width_px=width_px, orientation=1)))
        assert (picture.format, picture.size, dict(picture.getexif())) == ("JPEG", expected, {})


@pytest.mark.parametrize("published", [b"", b"not a picture"])
def test_bytes_that_are_no_picture_are_refused(published: bytes):
    with pytest.raises(NotPublishable):
        page_picture(published, width_px=100, orientation=1)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` or `#rgb` (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_has_the_contrast_that_wcag_asks_for(scheme: int):
    style = files("baas_preprocess.report").joinpath("page.css").read_text()
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--(\w+): (#\w+)", block))
    for text in ("ink", "soft", "link", "published", "quarantined", "excluded", "pending"):
        for ground in ("paper", "card"):
            dark, light = sorted((luminance(colours[text]), luminance(colours[ground])))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{text} on {ground}"
