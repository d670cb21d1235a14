"""Small pictures with people, and what `baas blur` makes of them: what a BlurJob must make of them, byte for byte."""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from baas_crds.codes import ExitCode
from tests.integration.preprocess.conftest import command, published, street_photo


def photos(count: int) -> dict[str, bytes]:
    """Return photos of a street with people, each of another size, from the assets of an installed package."""
    made = {}
    with Image.open(street_photo()) as photo:
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


def write_tree(folder: Path, pictures: dict[str, bytes]) -> None:
    """Write pictures below a folder under their names."""
    for name, data in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def blurred(originals: dict[str, bytes], folder: Path, *, triton: str) -> Blurred:
    """Let `baas blur` make pictures safe."""
    write_tree(folder / "in", originals)
    words = command("blur", folder / "in", folder / "out", "--detections", triton=triton)
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == ExitCode.DONE, done.stderr
    return Blurred(originals=originals, outputs=published(folder / "out"))
