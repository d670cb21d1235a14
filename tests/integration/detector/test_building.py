"""A repository is there as a whole, or not at all, and never twice."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from baas_crds.errors import ConfigurationError
from baas_detector.building import build
from baas_detector.card import Target, Thresholds
from baas_detector.contract import DetectedClass
from baas_detector.repository import Repository, open_repository
from baas_detector.weights import own_weights, vehicle_weights

from .conftest import Checkpoint


@pytest.fixture(scope="module")
def both(checkpoint: Checkpoint) -> Path:
    return checkpoint("person", "licence_plate")


def built(
    folder: Path,
    weights: Path,
    *,
    score_floor: float = 0.05,
    max_det: int = 10,
    target: Target = Target.CPU,
    force: bool = False,
    version: int = 1,
) -> Repository:
    return build(
        folder,
        [own_weights(weights, *DetectedClass)],
        Thresholds(score_floor=score_floor, max_det=max_det),
        target=target,
        tensorrt=False,
        force=force,
        version=version,
    )


def contents(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_repository_holds_the_model_its_card_and_no_path_of_this_machine(tmp_path: Path, both: Path) -> None:
    built(tmp_path / "models", both)

    files = contents(tmp_path / "models")
    assert list(files) == [
        "person_plate/1/model-card.json",
        "person_plate/1/model.onnx",
        "person_plate/1/model.py",
        "person_plate/config.pbtxt",
    ]
    for name in files:
        data = (tmp_path / "models" / name).read_bytes()
        assert str(tmp_path).encode() not in data
        assert str(both.parent).encode() not in data
        assert str(Path.home()).encode() not in data


def test_the_same_inputs_give_the_same_digest_elsewhere(tmp_path: Path, both: Path) -> None:
    assert built(tmp_path / "here", both).card.digest == built(tmp_path / "there", both).card.digest


def test_building_the_same_again_touches_nothing(tmp_path: Path, both: Path) -> None:
    first = built(tmp_path, both)
    before = contents(tmp_path)

    assert built(tmp_path, both) == first
    assert built(tmp_path, both, force=True) == first
    assert contents(tmp_path) == before


def test_another_model_is_not_overwritten_unless_asked_for(tmp_path: Path, both: Path) -> None:
    first = built(tmp_path, both)
    before = contents(tmp_path)

    with pytest.raises(ConfigurationError, match=rf"is another model \({first.card.digest}\).*--force"):
        built(tmp_path, both, max_det=11)
    assert contents(tmp_path) == before

    assert built(tmp_path, both, max_det=11, force=True).card.recipe.thresholds.max_det == 11
    assert open_repository(tmp_path).card.digest != first.card.digest


def test_a_failed_build_leaves_the_folder_as_it_was(tmp_path: Path, both: Path, checkpoint: Checkpoint) -> None:
    built(tmp_path, both)
    before = contents(tmp_path)

    with pytest.raises(ConfigurationError, match="no class licence_plate"):
        built(tmp_path, checkpoint("person"), force=True)

    assert contents(tmp_path) == before


def test_a_checkpoint_without_vehicles_is_no_guide_to_them(tmp_path: Path, both: Path, checkpoint: Checkpoint) -> None:
    with pytest.raises(ConfigurationError, match=r"best\.pt knows no vehicles: .* labels such as car and bus"):
        build(
            tmp_path,
            [vehicle_weights(str(checkpoint("person", "bicycle"))), own_weights(both, *DetectedClass)],
            Thresholds(),
            target=Target.CPU,
            tensorrt=False,
            force=False,
        )


def test_a_model_that_finds_nobody_in_the_sample_photos_is_not_built(tmp_path: Path, checkpoint: Checkpoint) -> None:
    with pytest.raises(ConfigurationError, match="find nothing in sample photos that show people"):
        built(tmp_path, checkpoint("person", "licence_plate", sure=-20.0))

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_build_left_is_cleared_away(tmp_path: Path, both: Path) -> None:
    (tmp_path / ".unfinished-x" / "person_plate").mkdir(parents=True)

    built(tmp_path, both)

    assert [path.name for path in tmp_path.iterdir()] == ["person_plate"]


def test_a_model_that_a_killed_build_had_put_aside_comes_back(tmp_path: Path, both: Path) -> None:
    first = built(tmp_path, both).card
    (tmp_path / ".unfinished-x" / "person_plate").mkdir(parents=True)
    (tmp_path / "person_plate").rename(tmp_path / ".unfinished-x" / "replaced")

    assert built(tmp_path, both, score_floor=0.06, version=2).versions[1] == first
    assert [path.name for path in tmp_path.iterdir()] == ["person_plate"]


def test_two_builds_at_once_make_one_model(tmp_path: Path, both: Path) -> None:
    with ThreadPoolExecutor(2) as two:
        one, other = two.map(lambda _: built(tmp_path, both), range(2))

    assert one == other


@pytest.mark.parametrize(
    "file", ["config.pbtxt", "1/model.onnx", "1/model.py", "1/model-card.json"], ids=lambda name: name.split("/")[-1]
)
@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_damaged_repository_is_not_opened(small_repository: Path, tmp_path: Path, file: str, harm: str) -> None:
    shutil.copytree(small_repository, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "person_plate" / file
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(ConfigurationError, match=r"Build it again with `baas-detector build-repository --force"):
        open_repository(tmp_path)


def test_a_damaged_repository_is_built_again_when_asked_for(tmp_path: Path, both: Path) -> None:
    first = built(tmp_path, both)
    (tmp_path / "person_plate" / "1" / "model.onnx").write_bytes(b"")

    with pytest.raises(ConfigurationError, match="was changed since it was built"):
        built(tmp_path, both)
    assert built(tmp_path, both, force=True) == first


def test_a_new_version_goes_beside_the_old_one_which_stays_as_it_is(tmp_path: Path, both: Path) -> None:
    first = built(tmp_path, both).card
    before = {name: time for name, time in contents(tmp_path).items() if "/1/" in name}

    second = built(tmp_path, both, score_floor=0.06, version=2)
    assert second.versions[1] == first
    assert second.card == second.versions[2] != first
    assert {name: time for name, time in contents(tmp_path).items() if "/1/" in name} == before
    # Each is found again, and neither takes the other's place.
    assert built(tmp_path, both, version=1) == second
    with pytest.raises(ConfigurationError, match=rf"2 is another model \({second.card.digest}\).*another --version"):
        built(tmp_path, both, score_floor=0.07, version=2)
    assert built(tmp_path, both, score_floor=0.07, version=2, force=True).versions[1] == first


def test_a_version_that_triton_could_not_serve_with_the_others_is_refused(tmp_path: Path, both: Path) -> None:
    first = built(tmp_path, both)
    with pytest.raises(ConfigurationError, match=r"^Versions 2 and 1 would have --max-det 11 and 10, but Triton"):
        built(tmp_path, both, max_det=11, version=2)
    assert open_repository(tmp_path) == first


def test_a_damaged_version_is_not_replaced_together_with_the_others(tmp_path: Path, both: Path) -> None:
    built(tmp_path, both)
    second = built(tmp_path, both, score_floor=0.06, version=2)
    (tmp_path / "person_plate" / "1" / "model.onnx").write_bytes(b"")
    advice = r"changed since it was built \(1/model\.onnx\)\. Build it again with `.* --force --version 1 --output "
    with pytest.raises(ConfigurationError, match=advice):
        built(tmp_path, both, score_floor=0.07, version=2, force=True)
    assert (tmp_path / "person_plate" / "2" / "model.onnx").stat().st_size > 0
    assert built(tmp_path, both, force=True) == second


def test_the_advice_for_several_damaged_versions_can_be_followed(tmp_path: Path, both: Path) -> None:
    first = built(tmp_path, both)
    built(tmp_path, both, score_floor=0.06, version=2)
    model = tmp_path / "person_plate"
    (model / "1" / "model.onnx").write_bytes(b"")
    (model / "2" / "model-card.json").unlink()
    with pytest.raises(ConfigurationError, match=rf"\. Remove {model}/2\. Build it again with `.* --version 1 "):
        built(tmp_path, both)
    shutil.rmtree(model / "2")
    assert built(tmp_path, both, force=True) == first


def test_a_damaged_configuration_is_written_again_and_versions_stay(tmp_path: Path, both: Path) -> None:
    built(tmp_path, both)
    second = built(tmp_path, both, score_floor=0.06, version=2)
    (tmp_path / "person_plate" / "config.pbtxt").write_text("")
    with pytest.raises(ConfigurationError, match=r"built \(config\.pbtxt\)\. Build it again with `.* --version 2 "):
        built(tmp_path, both)
    assert built(tmp_path, both, score_floor=0.06, version=2, force=True) == second


def test_a_repository_can_be_moved(small_repository: Path, tmp_path: Path) -> None:
    shutil.copytree(small_repository, tmp_path / "elsewhere")

    assert open_repository(tmp_path / "elsewhere").card == open_repository(small_repository).card


def test_for_a_gpu_the_graph_is_the_same_and_triton_needs_no_code_of_ours(tmp_path: Path, both: Path) -> None:
    cpu, gpu = built(tmp_path / "cpu", both), built(tmp_path / "gpu", both, target=Target.GPU)

    assert list(gpu.card.built.files) == ["model.onnx"]
    assert gpu.card.built.files["model.onnx"] == cpu.card.built.files["model.onnx"]
    assert gpu.card.built.checks.export.is_close
