"""Files of `baas run`, written for a test."""

from pathlib import Path
from typing import Any

import yaml

SMALLEST: dict[str, Any] = {"name": "street", "source": {"folder": "raw"}, "output": {"folder": "safe"}}
"""What redacts a folder into another one."""


def written(folder: Path, **sections: Any) -> Path:
    """Write the smallest file with these sections changed; None takes one away."""
    document = {name: value for name, value in (SMALLEST | sections).items() if value is not None}
    file = folder / "config.yml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file
