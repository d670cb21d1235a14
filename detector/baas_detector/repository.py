"""A built model on disk, opened only when it is intact.

    DIR/person_plate/config.pbtxt
    DIR/person_plate/1/model.onnx, model-card.json and, for the CPU, model.py
    DIR/person_plate/2/…

Immutable and relocatable: no file holds a path or a time.
"""

from collections.abc import Iterable, Mapping, Sequence
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
    versions = read_versions(path, versions_in(path) or [FIRST_VERSION])
    repair = _repair([max(versions)], path)
    try:
        config = (model / CONFIG_NAME).read_text()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{model} cannot be read: {error}. {repair}") from error
    if config != config_text(versions):
        raise ConfigurationError(f"{model} was changed since it was built ({CONFIG_NAME}). {repair}")
    return Repository(path=path, versions=versions)


def read_versions(path: Path, numbers: Iterable[int]) -> dict[int, ModelCard]:
    """Read some versions and check their files. Raises `ConfigurationError`, which says how to repair them."""
    cards: dict[int, ModelCard] = {}
    damaged: dict[int, str] = {}
    for number in numbers:
        folder = path / MODEL_NAME / str(number)
        try:
            cards[number] = read_card((folder / CARD_NAME).read_bytes())
            changed = _changed(folder, cards[number])
        except (OSError, ValueError) as error:
            damaged[number] = f"cannot be read: {error}"
        else:
            if changed:
                damaged[number] = f"was changed since it was built ({', '.join(changed)})"
    if damaged:
        raise ConfigurationError(f"{path / MODEL_NAME} {' and '.join(damaged.values())}. {_repair([*damaged], path)}")
    return cards


def _changed(folder: Path, card: ModelCard) -> list[str]:
    return [
        f"{folder.name}/{name}"
        for name, digest in card.built.files.items()
        if digest_of((folder / name).read_bytes()) != digest
    ]


def _repair(damaged: Sequence[int], path: Path) -> str:
    """Say what to do about damaged versions: one is built again beside those that are intact."""
    first, *others = damaged
    removed = f"Remove {' and '.join(str(path / MODEL_NAME / str(other)) for other in others)}. " if others else ""
    build = f"baas-detector build-repository --force --version {first} --output {path}"
    return f"{removed}Build it again with `{build}`"
