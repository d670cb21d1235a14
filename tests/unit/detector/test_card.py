"""The model card and the configuration that follows from it."""

import hashlib
from dataclasses import replace

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from baas_detector.accuracy import Drift, Precision
from baas_detector.card import (
    Built,
    Checks,
    ModelCard,
    NamedWeights,
    Recipe,
    Target,
    Thresholds,
    UsedWeights,
    read_card,
)
from baas_detector.contract import DetectedClass
from baas_detector.triton_config import config_text, unlike

CARD = ModelCard(
    recipe=Recipe(
        target=Target.CPU,
        weights=(NamedWeights(name="bést.pt", digest="sha256:1", wanted=tuple(DetectedClass)),),
        thresholds=Thresholds(score_floor=0.02, iou=0.6, max_det=77),
        tensorrt=False,
        offers_bf16=True,
        tools={"torch": "2.0"},
        code={"graph.py": "sha256:2"},
    ),
    built=Built(
        opset=17,
        weights=(UsedWeights(name="bést.pt", licence="AGPL-3.0", channels={3: DetectedClass.PERSON}, vehicles=(2,)),),
        precision=Precision.BF16,
        checks=Checks(
            samples=("bus.jpg",),
            export=Drift(compared=2, least_cover=1.0, mean_score=0.0),
            bf16=Drift(compared=2, least_cover=0.99, mean_score=0.001),
        ),
        files={"model.onnx": "sha256:3"},
    ),
)
GPU = replace(CARD, recipe=replace(CARD.recipe, target=Target.GPU))


def parsed(card: ModelCard) -> ModelConfig:
    return text_format.Parse(config_text({1: card}), ModelConfig())


def test_a_card_is_read_as_it_was_written() -> None:
    assert read_card(CARD.canonical()) == CARD


def test_the_models_digest_is_what_sha256sum_prints_for_the_card() -> None:
    assert CARD.digest == f"sha256:{hashlib.sha256(CARD.canonical()).hexdigest()}"


def test_another_threshold_is_another_model() -> None:
    other = replace(CARD, recipe=replace(CARD.recipe, thresholds=Thresholds(score_floor=0.02, iou=0.6, max_det=78)))

    assert other.digest != CARD.digest


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", CARD.canonical() + b"\n", CARD.canonical().replace(b"17", b'"17"')]
)
def test_an_edited_card_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_card(data)


@pytest.mark.parametrize("card", [CARD, GPU])
def test_the_configuration_is_one_that_triton_can_read_and_states_the_contract(card: ModelCard) -> None:
    config = parsed(card)

    assert config.name == "person_plate"
    assert [(t.name, list(t.dims)) for t in config.input] == [("TILES", [-1, -1, 3])]
    assert [(t.name, list(t.dims)) for t in config.output] == [("BOXES", [77, 6]), ("COUNT", [1])]
    assert config.max_batch_size == 8
    assert config.HasField("dynamic_batching") == (card is GPU)
    assert list(config.model_warmup[0].inputs["TILES"].dims) == [2048, 2048, 3]
    assert {key: value.string_value for key, value in config.parameters.items()} == {
        "model_digest": card.digest,
        "classes": "person,licence_plate",
        "score_floor": "0.02",
        "iou": "0.6",
        "max_det": "77",
        "precision": "bf16",
    }


def test_cpu_and_gpu_differ_only_in_who_computes() -> None:
    cpu, gpu = parsed(CARD), parsed(GPU)

    assert (cpu.backend, gpu.backend) == ("python", "onnxruntime")
    for config in (cpu, gpu):
        config.backend = ""
        del config.instance_group[:]
        config.ClearField("dynamic_batching")
        del config.parameters["model_digest"]
    assert cpu == gpu


def test_the_configuration_of_several_versions_tells_them_apart_and_has_all_of_them_served() -> None:
    thresholds = replace(CARD.recipe.thresholds, score_floor=0.5)
    newer = replace(CARD, recipe=replace(CARD.recipe, thresholds=thresholds))
    config = text_format.Parse(config_text({2: CARD, 10: newer}), ModelConfig())

    parameters = {key: value.string_value for key, value in config.parameters.items()}
    assert (parameters["model_digest"], parameters["score_floor"]) == (newer.digest, "0.5")
    assert (parameters["model_digest.2"], parameters["score_floor.2"]) == (CARD.digest, "0.02")
    assert (parameters["model_digest.10"], parameters["score_floor.10"]) == (newer.digest, "0.5")
    assert config.version_policy.HasField("all")
    assert not parsed(CARD).HasField("version_policy")


def test_what_triton_configures_once_must_be_the_same_in_all_versions() -> None:
    assert unlike(CARD.recipe, CARD.recipe) == []
    assert unlike(CARD.recipe, GPU.recipe) == ["--target cpu and gpu"]
    other = replace(CARD.recipe, tensorrt=True, thresholds=replace(CARD.recipe.thresholds, max_det=78))
    assert unlike(other, CARD.recipe) == ["--tensorrt True and False", "--max-det 78 and 77"]


def test_tensorrt_is_an_accelerator_that_has_to_be_asked_for() -> None:
    accelerated = replace(GPU, recipe=replace(GPU.recipe, tensorrt=True))

    assert not parsed(GPU).HasField("optimization")
    assert parsed(accelerated).optimization.execution_accelerators.gpu_execution_accelerator[0].name == "tensorrt"
