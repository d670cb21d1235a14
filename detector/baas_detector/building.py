"""Build a model repository: as a whole or not at all, and not again when it is there."""

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata, resources
from pathlib import Path

from baas_crds.errors import BaasError, ConfigurationError
from baas_detector.accuracy import Precision, choose_precision
from baas_detector.card import CARD_NAME, Built, Checks, ModelCard, NamedWeights, Recipe, Target, Thresholds
from baas_detector.checks import compare, offers_bf16, with_onnxruntime, with_openvino
from baas_detector.contract import MODEL_NAME
from baas_detector.repository import CONFIG_NAME, FIRST_VERSION, Repository, open_repository, read_versions, versions_in
from baas_detector.triton_config import config_text, unlike
from baas_detector.weights import Weights, digest_of

log = logging.getLogger(__name__)

SAMPLE_TILE_PX = 1280
"""Side of the tiles for the accuracy checks: the photos are enlarged to it, and a build takes half a minute."""


def build(
    path: Path,
    weights: Sequence[Weights],
    thresholds: Thresholds,
    *,
    target: Target,
    tensorrt: bool,
    force: bool,
    version: int = FIRST_VERSION,
) -> Repository:
    """Build a version of the model beside others, or leave an equal one as it is.

    It appears at once or not at all; a second build at the same time waits for the first. Raises `ConfigurationError`
    when another model has this version already, unless `force` replaces it, and when Triton could not serve it together
    with the other versions.
    """
    recipe = _recipe(weights, thresholds, target=target, tensorrt=tensorrt)
    path.mkdir(parents=True, exist_ok=True)
    with _only_builder(path):
        existing = _existing(path, version, force=force)
        there = None if existing is None else existing.versions.get(version)
        if existing is not None and there is not None and there.recipe == recipe:
            log.info("%s is built already", path / MODEL_NAME)
            return existing
        if there is not None and not force:
            raise ConfigurationError(
                f"{path / MODEL_NAME}/{version} is another model ({there.digest}): "
                "choose another --version or --output, or replace it with --force"
            )
        others = {} if existing is None else {n: card for n, card in existing.versions.items() if n != version}
        _check_alike(recipe, version, others)
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=path))
        model = unfinished / MODEL_NAME
        card = _write(model / str(version), recipe, weights)
        for number, other in others.items():
            _copy(other, path / MODEL_NAME / str(number), model / str(number))
        (model / CONFIG_NAME).write_text(config_text({**others, version: card}))
        if (path / MODEL_NAME).exists():
            (path / MODEL_NAME).replace(unfinished / _REPLACED)
        model.replace(path / MODEL_NAME)
    return open_repository(path)


_UNFINISHED = ".unfinished-"
_REPLACED = "replaced"


def _existing(path: Path, version: int, *, force: bool) -> Repository | None:
    """Return what is there. Damage raises, but `force` does without this version: it is replaced anyway."""
    if not (path / MODEL_NAME).exists():
        return None
    try:
        return open_repository(path)
    except ConfigurationError:
        if not force:
            raise
    return Repository(path=path, versions=read_versions(path, [n for n in versions_in(path) if n != version]))


@contextmanager
def _only_builder(path: Path) -> Iterator[None]:
    """Hold the folder alone, and clear away what this builder leaves and a killed one left."""
    folder = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        _clear_away(path)
        try:
            yield
        finally:
            _clear_away(path)
    finally:
        os.close(folder)


def _clear_away(path: Path) -> None:
    """Remove unfinished builds; a model that one had put aside, and not replaced yet, comes back."""
    for leftover in path.glob(f"{_UNFINISHED}*"):
        if (leftover / _REPLACED).exists() and not (path / MODEL_NAME).exists():
            (leftover / _REPLACED).replace(path / MODEL_NAME)
        shutil.rmtree(leftover)


def _recipe(weights: Sequence[Weights], thresholds: Thresholds, *, target: Target, tensorrt: bool) -> Recipe:
    cpu = target is Target.CPU
    try:
        tools = {name: metadata.version(name) for name in (*_TOOLS, "openvino" if cpu else "onnxruntime")}
    except metadata.PackageNotFoundError as error:
        raise ConfigurationError(f"Building a model needs {error.name}: install the extra `model_export`") from error
    return Recipe(
        target=target,
        weights=tuple(NamedWeights(name=w.name, digest=w.digest, wanted=w.wanted) for w in weights),
        thresholds=thresholds,
        tensorrt=tensorrt,
        offers_bf16=cpu and offers_bf16(),
        tools=tools,
        code={name: digest_of(_source(name)) for name in (*_CODE, *([_BACKEND] if cpu else []))},
    )


_TOOLS = ("torch", "ultralytics", "onnx")
_CODE = ("graph.py", "closer.py", "suppression.py", "export.py", "accuracy.py")
_BACKEND = "openvino_model.py"


def _source(name: str) -> bytes:
    return (resources.files("baas_detector") / name).read_bytes()


def _check_alike(recipe: Recipe, version: int, others: Mapping[int, ModelCard]) -> None:
    for number, other in others.items():
        if differences := unlike(recipe, other.recipe):
            raise ConfigurationError(
                f"Versions {version} and {number} would have {', '.join(differences)}, but Triton has only one "
                "configuration for both: build it with the same options, or choose another --output"
            )


def _copy(card: ModelCard, there: Path, here: Path) -> None:
    """Copy a version's files; Python, for one, leaves others beside them."""
    here.mkdir()
    for name in (*card.built.files, CARD_NAME):
        shutil.copy2(there / name, here / name)


def _write(folder: Path, recipe: Recipe, weights: Sequence[Weights]) -> ModelCard:
    """Write a version's files into a new folder and return its card."""
    from baas_detector.export import OPSET, export, sample_tiles  # noqa: PLC0415 - torch takes seconds to import

    log.info("Exporting %s", " and ".join(w.name for w in weights))
    exported = export(weights, recipe.thresholds)
    for one, used in zip(weights, exported.weights, strict=True):
        if not one.wanted and not used.vehicles:
            raise ConfigurationError(
                f"{one.name} knows no vehicles: for the closer look give a checkpoint with labels such as car and bus"
            )
    log.info("Checking the accuracy on sample tiles")
    samples = sample_tiles(SAMPLE_TILE_PX)
    served = (
        with_openvino(exported.onnx, Precision.F32) if recipe.target is Target.CPU else with_onnxruntime(exported.onnx)
    )
    checks = Checks(
        samples=tuple(samples),
        export=compare(exported.reference, served, samples),
        bf16=compare(served, with_openvino(exported.onnx, Precision.BF16), samples) if recipe.offers_bf16 else None,
    )
    if checks.export.compared == 0:
        raise ConfigurationError(
            f"{' and '.join(w.name for w in weights)} find nothing in sample photos that show people of many sizes: "
            "give weights that were trained to the end"
        )
    if not checks.export.is_close:
        raise BaasError(
            f"The exported graph does not find what its checkpoints find: {checks.export}. Please report it."
        )
    files = {"model.onnx": exported.onnx}
    if recipe.target is Target.CPU:
        files["model.py"] = _source(_BACKEND)
    built = Built(
        opset=OPSET,
        weights=exported.weights,
        precision=choose_precision(checks.bf16),
        checks=checks,
        files={name: digest_of(data) for name, data in files.items()},
    )
    card = ModelCard(recipe=recipe, built=built)
    folder.mkdir(parents=True)
    for name, data in {**files, CARD_NAME: card.canonical()}.items():
        (folder / name).write_bytes(data)
    return card
