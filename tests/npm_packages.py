"""What tests use of npm: installed on first use, as tests/npm pins it, into ignored folders."""

import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("package.json", "package-lock.json")


def installed(name: str) -> Path:
    """Return the node_modules with what tests/npm/NAME pins, installed unless it is there already."""
    pinned, folder = ROOT / "tests" / "npm" / name, ROOT / ".cache" / name
    modules = folder / "node_modules"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be installing it
        is_same = all(_read(folder / file) == _read(pinned / file) for file in FILES)
        if not (is_same and modules.is_dir()):
            _install(pinned, folder)
    return modules


def _install(pinned: Path, folder: Path) -> None:
    if shutil.which("npm") is None:
        raise RuntimeError(
            f"These tests need {pinned.name}, and that needs npm: `apt-get install --no-install-recommends npm`."
        )
    # What the pins are compared with comes last: an interrupted installation is begun again.
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        for file in FILES:
            shutil.copy(pinned / file, fresh)
        done = subprocess.run(
            ["npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=fresh,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"npm could not install {pinned.name}: {done.stderr.strip()}")
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
        (Path(fresh) / "node_modules").rename(folder / "node_modules")
        for file in FILES:
            shutil.copy(pinned / file, folder)


def _read(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None
