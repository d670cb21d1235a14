"""Augmentation is asked for by Ultralytics' names."""

from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError
from baas_detector.training.augmentation import Augmentation, read_augmentation


def read(tmp_path: Path, text: str) -> Augmentation:
    path = tmp_path / "augmentation.json"
    path.write_text(text)
    return read_augmentation(path)


def test_only_what_is_set_is_passed_on(tmp_path: Path) -> None:
    assert read(tmp_path, '{"mosaic": 0.5, "close_mosaic": 0}').arguments() == {"mosaic": 0.5, "close_mosaic": 0}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"mosaik": 1}', r"augmentation\.json: mosaik changes no pictures at Ultralytics': use hsv_h,"),
        ('{"lr0": 1}', r"lr0 changes no pictures"),
        ('{"mosaic": 2}', r"mosaic is 2\. Input should be less than or equal to 1"),
        ('{"degrees": "much"}', r"degrees is 'much'"),
        ("{", r"augmentation\.json is not JSON"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        read(tmp_path, text)
