"""JSON in the one form in which it is kept and digested."""

import json
from pathlib import Path
from typing import Any

from baas_crds.errors import ConfigurationError
from baas_detector.whole_files import write_whole


def write_json(path: Path, document: object) -> None:
    """Replace a file at once: a reader, or a start after a crash, sees the old document or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, canonical(document))


def canonical(document: object) -> bytes:
    """Return the one form in which a document is written and digested."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises `ConfigurationError` when it is none."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from error
