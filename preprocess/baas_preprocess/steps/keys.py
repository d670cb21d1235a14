"""Which keys of a file mean nothing, and which were meant. Pure."""

import difflib
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

Further = Mapping[type[BaseModel], Sequence[str]]
"""Keys that a file may have beside those of a model; whoever reads the file translates them first."""


def unknown_keys(
    document: Mapping[Any, Any], model: type[BaseModel], further: Further, where: str = ""
) -> Iterator[str]:
    """Give a sentence for each key that a model does not have, at any depth, with the one that is most like it.

    Values of another shape than the model's are passed over: validation speaks of them.
    """
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    for key, value in document.items():
        path = f"{where}.{key}" if where else str(key)
        if key not in fields:
            yield f"{path} is no key that means anything{suggestion(key, [*fields, *further.get(model, ())])}"
            continue
        inner = _models_in(fields[key].annotation)
        if len(inner) != 1:
            continue
        if isinstance(value, Mapping):
            yield from unknown_keys(value, inner[0], further, path)
        elif isinstance(value, list):
            for place, entry in enumerate(value):
                if isinstance(entry, Mapping):
                    yield from unknown_keys(entry, inner[0], further, f"{path}[{place}]")


def suggestion(key: object, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown key: the known one that is most like it, else all."""
    plain = {_plain(name): name for name in known}
    nearest = difflib.get_close_matches(_plain(key), plain, n=1)
    if nearest:
        return f": did you mean {plain[nearest[0]]}?"
    return f"; known are {', '.join(sorted(plain.values()))}"


def _plain(key: object) -> str:
    """`quality_check` and `qualityCheck` are as good as the same."""
    return str(key).replace("_", "").replace("-", "").casefold()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]
