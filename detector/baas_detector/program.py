"""Where the program `baas` is: rooms do not import each other, so what it can do is asked of the program."""

import os
import shutil
import sys
from pathlib import Path

from baas_crds.errors import ConfigurationError


def baas() -> str:
    """Return the program's path, beside our own interpreter or on PATH. Raises `ConfigurationError` without one."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    program = shutil.which("baas", path=os.pathsep.join(folders))
    if program is None:
        raise ConfigurationError("There is no `baas` to redact with: install the extra `preprocess`")
    return program
