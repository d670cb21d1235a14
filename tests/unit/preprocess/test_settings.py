"""Where settings come from, and the sentence for each wrong one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError
from baas_preprocess.facts import Method
from baas_preprocess.settings import read_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_options_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "baas.toml").write_text('cells = 3\npadding = 0.5\nmethod = "blur"\n')
    monkeypatch.setenv("BAAS_CELLS", "4")
    monkeypatch.setenv("BAAS_PADDING", "0.25")
    settings = read_settings({"cells": 5})
    assert (settings.cells, settings.padding, settings.method) == (5, 0.25, Method.BLUR)


@pytest.mark.parametrize(
    ("given", "person", "plate"),
    [
        pytest.param("0.3", 0.3, 0.3, id="one number is for all classes"),
        pytest.param("person=0.4", 0.4, 0.05, id="a class that is not named keeps its default"),
        pytest.param("person=0.4,licence_plate=0.2", 0.4, 0.2, id="both named"),
    ],
)
def test_confidence_is_a_number_or_a_number_per_class(given: str, person: float, plate: float) -> None:
    assert read_settings({"confidence": given}).recipe.confidence == {
        ObjectClass.PERSON: person,
        ObjectClass.LICENCE_PLATE: plate,
    }


@pytest.mark.parametrize(
    ("given", "percent"),
    [
        ({}, 100),
        ({"sample_percent": 7}, 100),
        ({"verification": "sample"}, 5),
        ({"verification": "sample", "sample_percent": "7"}, 7),
        ({"verification": "off", "sample_percent": 7}, 0),
    ],
)
def test_the_percent_counts_only_for_a_sample(given: dict[str, object], percent: int) -> None:
    assert read_settings(given).recipe.second_look_percent == percent


def test_confidence_and_classes_can_stand_in_the_environment_as_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BAAS_CONFIDENCE", "person=0.4")
    monkeypatch.setenv("BAAS_CLASSES", "person")
    assert read_settings({}).recipe.confidence == {ObjectClass.PERSON: 0.4}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"cells": 40}, "cells is 40: Input should be less than or equal to 16."),
        ({"cells": 0}, "cells is 0: Input should be greater than or equal to 1."),
        ({"padding": -1}, "padding is -1: Input should be greater than or equal to 0."),
        ({"confidence": "person=2"}, "confidence.person is '2': Input should be less than or equal to 1."),
        ({"classes": "dog"}, "classes.0 is 'dog': Input should be 'person' or 'licence_plate'."),
        ({"in_flight": 0}, "in_flight is 0"),
        ({"ledger": "mysql://x"}, "ledger must be a postgresql:// or sqlite:/// URL, or a database.json."),
        ({"ledger": "postgresqlite"}, "ledger must be a postgresql:// or sqlite:/// URL, or a database.json."),
        ({"ledger": "sqlite://x"}, "ledger must be a postgresql:// or sqlite:/// URL, or a database.json."),
        ({"blur": 3}, "There is no setting 'blur' (baas.toml). Known are audit_key, cells, classes,"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_name_and_what_is_allowed(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(given)
    assert sentence in str(refused.value)


def test_a_settings_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "baas.toml").write_text("cells: 4\n")
    with pytest.raises(ConfigurationError, match=r"baas\.toml cannot be read"):
        read_settings({})


def test_only_what_decides_the_bytes_changes_the_recipe() -> None:
    base = read_settings({}).recipe.digest
    assert read_settings({"in_flight": 9, "triton": "x:1", "detections": True}).recipe.digest == base
    changed: list[dict[str, object]] = [
        {"cells": 5},
        {"padding": 0.2},
        {"method": "solid"},
        {"confidence": "0.5"},
        {"classes": "person"},
    ]
    assert len({base, *(read_settings(given).recipe.digest for given in changed)}) == len(changed) + 1


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAAS_CELLS", "")
    monkeypatch.setenv("BAAS_LEDGER", "")
    assert (read_settings({}).cells, read_settings({}).ledger) == (6, None)


def test_a_settings_file_that_may_not_be_read_is_named(
    tmp_path: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    (tmp_path / "baas.toml").write_text("cells = 3")
    (tmp_path / "baas.toml").chmod(0)
    tmp_path.chmod(0o755)
    with unprivileged(), pytest.raises(ConfigurationError, match=r"baas\.toml cannot be read: .*Permission denied"):
        read_settings({})


def test_originals_of_a_sample_are_not_deleted() -> None:
    wished = {"delete_source": "after-verified", "source_percent": 5}
    with pytest.raises(ConfigurationError, match="needs source_percent 100: a sample is a trial"):
        read_settings(wished)
    assert read_settings({**wished, "source_percent": 100}).source_percent == 100
