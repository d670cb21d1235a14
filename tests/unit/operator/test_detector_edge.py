"""Which model a version is, as a repository with one version or with several tells it."""

import pytest

from baas_operator.detector_edge import digest_of

ONE = {"model_digest": "sha256:two", "classes": "person,licence_plate"}
BOTH = {**ONE, "model_digest.1": "sha256:one", "model_digest.2": "sha256:two"}


@pytest.mark.parametrize(("version", "digest"), [("1", "sha256:one"), ("2", "sha256:two"), ("", "sha256:two")])
def test_each_version_beside_another_is_told_by_its_own_digest(version: str, digest: str) -> None:
    assert digest_of(BOTH, ["1", "2"], version) == digest


def test_the_newest_is_the_highest_number_and_not_the_last_word() -> None:
    several = {**BOTH, "model_digest.10": "sha256:ten"}
    assert digest_of(several, ["10", "2", "9"], "") == "sha256:ten"


@pytest.mark.parametrize("version", ["", "2"])
def test_a_version_that_is_served_alone_needs_no_digest_of_its_own(version: str) -> None:
    assert digest_of(ONE, ["2"], version) == "sha256:two"


def test_versions_that_were_put_together_by_hand_tell_nothing() -> None:
    assert digest_of(ONE, ["1", "2"], "1") is None
    assert digest_of({}, ["1"], "1") is None
