"""Small files that are there as a whole or not at all."""

import json
import tempfile
from pathlib import Path
from typing import Any

from baas_crds.errors import ConfigurationError


def write_json(path: Path, document: object) -> None:
    """Replace a file at once: a reader, or a start after a crash, sees the old document or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as unfinished:
        written = Path(unfinished) / path.name
        written.write_bytes(canonical(document))
        written.replace(path)


def canonical(document: object) -> bytes:
    """Return the one form in which a document is written and digested."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises `ConfigurationError` when it is none."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from error
