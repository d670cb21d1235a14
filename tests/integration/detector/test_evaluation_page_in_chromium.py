"""The page of an evaluation in a real browser, opened from a file."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from baas_detector.contract import DetectedClass
from baas_detector.coverage import clopper_pearson
from baas_detector.evaluation.page import page
from baas_detector.evaluation.results import MaskedShare, RecallRow, Report
from tests.waiting import PATIENCE_SECONDS

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def report() -> Report:
    recall = RecallRow(
        object_class=DetectedClass.PERSON,
        group="all",
        found=9,
        total=10,
        share=0.9,
        interval_95=clopper_pearson(9, 10),
        interval_images_95=None,
    )
    return Report(
        truth_digest="0" * 64,
        min_coverage=0.8,
        predictions="masks",
        images=2,
        without_mask=("<img src=x onerror=alert(1)>.jpg",),
        ignored_objects=0,
        objects_of_other_classes={},
        masked_share=MaskedShare(mean=0.01, total=0.01),
        recall=(recall,),
        area=(),
        misses=(),
        gaps=(),
        detection=None,
        image_level=(),
        per_image=(),
        objects=(),
    )


def test_the_page_shows_its_plots_and_asks_nobody_for_anything(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on PATH: install the package `chromium` to try the page in it")
    file = tmp_path / "report.html"
    file.write_text(page(report()), encoding="utf-8")
    complaints: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options, timeout=1000 * PATIENCE_SECONDS)
        shown = browser.new_page()
        shown.set_default_timeout(1000 * PATIENCE_SECONDS)
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(file.as_uri())
        width = shown.locator("img").evaluate("image => image.naturalWidth")
        cell = shown.locator("tbody td").nth(4).inner_text()
        rule = shown.locator("td").first.evaluate("cell => getComputedStyle(cell).borderBottomWidth")
        browser.close()
    assert (complaints, [url for url in asked if not url.startswith("data:")]) == ([], [file.as_uri()])
    assert (width > 100, cell, rule) == (True, "90.0%", "1px")
