"""Small pictures with people, and what `baas blur` makes of them: what a BlurJob must make of them, byte for byte."""

import io
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from baas_crds.codes import ExitCode

BAAS = Path(sys.executable).with_name("baas")


def photos(count: int) -> dict[str, bytes]:
    """Return photos of a street with people, each of another size, from the assets of an installed package."""
    spec = find_spec("ultralytics")
    assert spec is not None
    assert spec.origin is not None
    made = {}
    with Image.open(Path(spec.origin).with_name("assets") / "bus.jpg") as photo:
        for number in range(count):
            file = io.BytesIO()
            photo.resize((810 + 4 * number, 1080 + 4 * number)).save(file, "jpeg", quality=90)
            made[f"street {number % 3}/{number:02}.jpg"] = file.getvalue()
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Blurred:
    """Pictures before and after, by name. With the detections that are written beside them."""

    originals: dict[str, bytes]
    outputs: dict[str, bytes]

    @property
    def pictures(self) -> dict[str, bytes]:
        """The outputs without what is written beside them."""
        return {name: data for name, data in self.outputs.items() if name in self.originals}


def blurred(originals: dict[str, bytes], folder: Path, *, triton: str) -> Blurred:
    """Let `baas blur` make pictures safe."""
    for name, data in originals.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    words = [BAAS, "blur", folder / "in", folder / "out", "--detections", "--triton", triton]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == ExitCode.DONE, done.stderr
    out = folder / "out"
    files = (path for path in out.rglob("*") if path.is_file() and ".baas" not in path.parts)
    return Blurred(originals=originals, outputs={path.relative_to(out).as_posix(): path.read_bytes() for path in files})
