"""Reads a YAML file that holds one mapping. A key that stands twice is an error: one of them would not count."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from baas_crds.errors import ConfigurationError


class _Loader(yaml.SafeLoader):
    """Makes plain values only, and tells keys that stand twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name} stands there twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def read_mapping(path: Path) -> dict[str, Any]:
    """Return what a file holds. Raises `ConfigurationError` when it cannot be read, or is no mapping."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:  # a date that is none is a ValueError
        raise ConfigurationError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigurationError(f"{path} holds no keys with values, as config.example.yml has them")
    return document
