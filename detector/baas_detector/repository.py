"""A built model on disk, opened only when it is intact.

    DIR/person_plate/config.pbtxt
    DIR/person_plate/1/model.onnx, model-card.json and, for the CPU, model.py

Immutable and relocatable: no file holds a path or a time.
"""

from dataclasses import dataclass
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.card import CARD_NAME, ModelCard, read_card
from baas_detector.contract import MODEL_NAME
from baas_detector.triton_config import config_text
from baas_detector.weights import digest_of

CONFIG_NAME = "config.pbtxt"
VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """An intact repository."""

    path: Path
    card: ModelCard


def open_repository(path: Path) -> Repository:
    """Read a repository and check every file against its card. Raises `ConfigurationError` when it is not intact."""
    model = path / MODEL_NAME
    if not model.is_dir():
        raise ConfigurationError(
            f"{path} holds no model {MODEL_NAME}: build one with `baas-detector build-repository --output {path}`"
        )
    try:
        card = read_card((model / VERSION / CARD_NAME).read_bytes())
        found = {name: digest_of((model / VERSION / name).read_bytes()) for name in card.built.files}
        config = (model / CONFIG_NAME).read_text()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{model} cannot be read: {error}. {_REBUILD.format(path)}") from error
    changed = [name for name, digest in card.built.files.items() if found[name] != digest]
    changed += [CONFIG_NAME] if config != config_text(card) else []
    if changed:
        raise ConfigurationError(
            f"{model} was changed since it was built ({', '.join(changed)}). {_REBUILD.format(path)}"
        )
    return Repository(path=path, card=card)


_REBUILD = "Build it again with `baas-detector build-repository --force --output {}`"
