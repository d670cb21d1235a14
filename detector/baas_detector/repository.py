"""A built model on disk, opened only when it is intact.

    DIR/person_plate/config.pbtxt
    DIR/person_plate/1/model.onnx, model-card.json and, for the CPU, model.py
    DIR/person_plate/2/…

Immutable and relocatable: no file holds a path or a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.card import CARD_NAME, ModelCard, read_card
from baas_detector.contract import MODEL_NAME
from baas_detector.triton_config import config_text
from baas_detector.weights import digest_of

CONFIG_NAME = "config.pbtxt"
FIRST_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """An intact repository."""

    path: Path
    versions: Mapping[int, ModelCard]

    @property
    def card(self) -> ModelCard:
        """Of the newest version, which serves whoever names none."""
        return self.versions[max(self.versions)]

    def folder_of(self, version: int) -> Path:
        """Where the files of a version are."""
        return self.path / MODEL_NAME / str(version)


def versions_in(path: Path) -> list[int]:
    """Return the versions that stand in a repository, intact or not, in their order."""
    return sorted(int(folder.name) for folder in (path / MODEL_NAME).glob("*") if folder.name.isdecimal())


def open_repository(path: Path) -> Repository:
    """Read a repository and check every file against its cards. Raises `ConfigurationError` when it is not intact."""
    model = path / MODEL_NAME
    if not model.is_dir():
        raise ConfigurationError(
            f"{path} holds no model {MODEL_NAME}: build one with `baas-detector build-repository --output {path}`"
        )
    try:
        numbers = versions_in(path) or [FIRST_VERSION]
        versions = {number: read_card((model / str(number) / CARD_NAME).read_bytes()) for number in numbers}
        changed = [name for number, card in versions.items() for name in _changed(model / str(number), card)]
        config = (model / CONFIG_NAME).read_text()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{model} cannot be read: {error}. {_REBUILD.format(path)}") from error
    changed += [CONFIG_NAME] if config != config_text(versions) else []
    if changed:
        raise ConfigurationError(
            f"{model} was changed since it was built ({', '.join(changed)}). {_REBUILD.format(path)}"
        )
    return Repository(path=path, versions=versions)


def _changed(folder: Path, card: ModelCard) -> list[str]:
    return [
        f"{folder.name}/{name}"
        for name, digest in card.built.files.items()
        if digest_of((folder / name).read_bytes()) != digest
    ]


_REBUILD = "Build it again with `baas-detector build-repository --force --output {}`"
