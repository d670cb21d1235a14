"""Versions are there as a whole, have the next number, and never change."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError
from baas_detector.training.registering import register
from baas_detector.training.registry import Bundle, open_version, register_in_folder


def bundle(folder: Path, content: str = "weights") -> Bundle:
    folder.mkdir(exist_ok=True)
    (folder / "best.pt").write_text(content)
    (folder / "card.json").write_text("{}")
    return Bundle(
        name="person-plate", files={"weights.pt": folder / "best.pt", "repository/card.json": folder / "card.json"}
    )


def test_a_version_holds_the_files_and_standard_tools_can_check_it(tmp_path: Path) -> None:
    done = register_in_folder(tmp_path / "models", bundle(tmp_path / "run"))

    assert (done.version, done.is_new, done.place) == (1, True, str(tmp_path / "models" / "person-plate" / "1"))
    assert (Path(done.place) / "weights.pt").read_text() == "weights"
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=done.place, check=True)
    assert open_version(Path(done.place)).digest == done.digest


def test_other_files_get_the_next_number_and_the_same_files_keep_theirs(tmp_path: Path) -> None:
    first = register_in_folder(tmp_path / "models", bundle(tmp_path / "run"))
    second = register_in_folder(tmp_path / "models", bundle(tmp_path / "run", "better"))
    again = register_in_folder(tmp_path / "models", bundle(tmp_path / "elsewhere"))

    assert (first.version, second.version) == (1, 2)
    assert (again.version, again.digest, again.is_new) == (1, first.digest, False)
    assert (Path(first.place) / "weights.pt").read_text() == "weights"


def test_several_at_once_get_a_number_each(tmp_path: Path) -> None:
    bundles = [bundle(tmp_path / f"run{number}", str(number)) for number in range(8)]

    with ThreadPoolExecutor(8) as several:
        done = list(several.map(lambda one: register_in_folder(tmp_path / "models", one), bundles))

    assert sorted(one.version for one in done) == list(range(1, 9))
    for one in done:
        open_version(Path(one.place))


def test_a_failure_on_the_way_leaves_no_version(tmp_path: Path) -> None:
    broken = bundle(tmp_path / "run")
    home = tmp_path / "models" / "person-plate"
    (home / ".unfinished-killed" / "1").mkdir(parents=True)
    files = {**broken.files, "SHA256SUMS/below": tmp_path / "run" / "best.pt"}  # cannot be written beside the list

    with pytest.raises(OSError, match="SHA256SUMS"):
        register_in_folder(tmp_path / "models", Bundle(name="person-plate", files=files))

    assert list(home.iterdir()) == []


@pytest.mark.parametrize("harm", ["changed", "missing"])
@pytest.mark.parametrize("file", ["weights.pt", "repository/card.json", "SHA256SUMS"])
def test_a_version_that_was_changed_is_not_opened(tmp_path: Path, file: str, harm: str) -> None:
    place = Path(register_in_folder(tmp_path / "models", bundle(tmp_path / "run")).place)
    (place / file).chmod(0o644)
    if harm == "missing":
        (place / file).unlink()
    else:
        (place / file).write_bytes((place / file).read_bytes().replace(b"e", b"f", 1) + b"\n")

    with pytest.raises(ConfigurationError, match=r"was changed|is no registered model"):
        open_version(place)


def test_files_cannot_be_written_to_by_accident(tmp_path: Path) -> None:
    place = Path(register_in_folder(tmp_path / "models", bundle(tmp_path / "run")).place)

    assert {path.stat().st_mode & 0o777 for path in place.rglob("*") if path.is_file()} == {0o444}


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ("ftp://server/models", "is no registry: give a folder, https://"),
        ("https://account.blob.core.windows.net/", "is no folder of a container"),
        ("https://account.blob.core.windows.net/models?sig=secret", "without a signature"),
        ("http://account.blob.core.windows.net/models", "is no folder of a container"),
        ("azureml:nowhere/config.json", r"nowhere/config\.json is missing: download the workspace's config.json"),
    ],
)
def test_an_address_of_another_kind_is_refused(tmp_path: Path, to: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as told:
        register(to, bundle(tmp_path / "run"))
    assert "secret" not in str(told.value)
