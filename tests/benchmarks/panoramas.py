"""How fast is the whole, beside the plain way of doing the same, and beside bare inference?

The plain way is a script that works through a folder as the earlier service did: Ultralytics on torch, a Gaussian blur
over each box, `cv2.imwrite`. It has the same weights, once with the whole panorama squeezed to 2048 px and once with
the same tiles as ours. It looks at no vehicle closer, keeps no record, and checks nothing.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput

from baas_detector.contract import DetectedClass
from baas_detector.weights import Weights, default_weights
from baas_preprocess.blur import blur
from baas_preprocess.decode import decode
from baas_preprocess.facts import Box, Pixels, Verification
from baas_preprocess.inspection import inspect
from baas_preprocess.recipe import Recipe
from baas_preprocess.samples import generate
from baas_preprocess.settings import Settings
from baas_preprocess.tile import cut, tiles
from tests.benchmarks.options import Options
from tests.benchmarks.rounds import Finding, Outcome, alternate, ratios
from tests.benchmarks.tritons import running_triton

SQUEEZED, SAME_TILES = "plain way, squeezed to 2048 px", "plain way, same tiles"
ONCE, TWICE, BARE = "ours without the second look", "ours", "bare inference"
SIGMA_PX = 25
# So many requests at once keep Triton busy; ours has as many.
IN_FLIGHT = 4


@dataclass(frozen=True, slots=True)
class PlainWay:
    """A sequential script. Models are loaded before; reading, detecting, blurring and writing is what is timed."""

    models: Sequence[tuple[Any, Sequence[int]]]
    """Ultralytics models and the classes that are wanted of each."""

    @classmethod
    def load(cls, weights: Sequence[Weights]) -> "PlainWay":
        """Load checkpoints."""
        from ultralytics import YOLO  # type: ignore[attr-defined]  # noqa: PLC0415 - reads its environment when imported

        wanted = {DetectedClass.PERSON: "person", DetectedClass.LICENCE_PLATE: None}
        models = []
        for one in weights:
            model, labels = YOLO(one.path), {wanted[found] for found in one.wanted}
            models.append((model, [number for number, name in model.names.items() if {name, None} & labels]))
        return cls(models)

    def run(self, pictures: Sequence[Path], folder: Path, *, tiled: bool) -> None:
        """Blur all pictures into a folder."""
        for path in pictures:
            picture: Pixels = cv2.imread(str(path))  # type: ignore[assignment]
            for box in self._tiled(picture) if tiled else self._boxes(picture, [1024, 2048]):
                rows, columns = slice(int(box.top), int(box.bottom) + 1), slice(int(box.left), int(box.right) + 1)
                part = picture[rows, columns]
                if part.size:
                    picture[rows, columns] = cv2.GaussianBlur(part, (0, 0), SIGMA_PX)
            cv2.imwrite(str(folder / path.name), picture)

    def _tiled(self, picture: Pixels) -> list[Box]:
        height_px, width_px = picture.shape[:2]
        found = []
        for tile in tiles(width_px, height_px, wraps=True, is_sphere=True):
            across, down = tile.width / tile.out_width, tile.height / tile.out_height
            for box in self._boxes(cut(picture, tile), [tile.out_height, tile.out_width]):
                left, right = tile.left + box.left * across, tile.left + box.right * across
                turn = width_px if left >= width_px else 0
                found.append(Box(left - turn, tile.top + box.top * down, right - turn, tile.top + box.bottom * down))
        return found

    def _boxes(self, picture: Pixels, size_px: list[int]) -> list[Box]:
        found = []
        for model, classes in self.models:
            (answer,) = model.predict(
                picture, imgsz=size_px, conf=0.05, classes=list(classes), device="cpu", verbose=False
            )
            found += [Box(*corners) for corners in answer.boxes.xyxy.tolist()]
        return found


def ours(folder: Path, triton: str, verification: Verification) -> None:
    """Publish all pictures below `folder/in`, as `baas blur` does once it has started."""
    output = folder / "out"
    shutil.rmtree(output, ignore_errors=True)
    settings = Settings(triton=triton, verification=verification)
    progress = blur(
        [str(folder / "in")],
        output,
        settings,
        stop=threading.Event(),
        on_status=lambda _: None,
        on_plan=lambda _: None,
        on_done=lambda *_: None,
        on_retired=lambda _: None,
    )
    if progress.remaining or not progress.published:
        raise RuntimeError(f"not all was published: {progress}")


def tiles_of(pictures: Sequence[Path]) -> list[Pixels]:
    """Decode pictures and cut the tiles that the detector is shown of them."""
    found = []
    for path in pictures:
        data = path.read_bytes()
        pixels = decode(data, inspect(data, max_pixels=Recipe().max_pixels))
        height_px, width_px = pixels.shape[:2]
        found += [cut(pixels, tile) for tile in tiles(width_px, height_px, wraps=True, is_sphere=True)]
    return found


def bare(shown: Sequence[Pixels], client: InferenceServerClient) -> None:
    """Send tiles to Triton, and do nothing else."""

    def ask(tile: Pixels) -> None:
        request = InferInput("TILES", [1, *tile.shape], "UINT8")
        request.set_data_from_numpy(tile[np.newaxis])
        client.infer("person_plate", [request])

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(ask, shown))


def seconds(run: Callable[[], None], *, each_of: int = 1) -> Callable[[], float]:
    """Return what runs it and gives the seconds it took for each of so many."""

    def timed() -> float:
        start = time.perf_counter()
        run()
        return (time.perf_counter() - start) / each_of

    return timed


def measure(options: Options) -> Outcome:
    """Time all of them on the same generated panoramas."""
    count = 1 if options.is_short else 4
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pictures = generate(folder / "in", count=count)
        by_script = pictures[:2]  # one after the other: more would only take longer
        (plain_out := folder / "plain").mkdir()
        shown = tiles_of(pictures)
        triton = options.triton or stack.enter_context(running_triton(options.models))
        client = stack.enter_context(InferenceServerClient(triton))
        plain = PlainWay.load(default_weights())
        spent = alternate(
            {
                SQUEEZED: seconds(lambda: plain.run(by_script, plain_out, tiled=False), each_of=len(by_script)),
                SAME_TILES: seconds(lambda: plain.run(by_script, plain_out, tiled=True), each_of=len(by_script)),
                ONCE: seconds(lambda: ours(folder, triton, Verification.OFF), each_of=count),
                TWICE: seconds(lambda: ours(folder, triton, Verification.REDETECT), each_of=count),
                BARE: seconds(lambda: bare(shown, client), each_of=count),
            },
            options.rounds,
        )
    return Outcome(
        title="Whole panoramas",
        findings=[
            Finding(what=f"{SAME_TILES}, seconds per panorama", values=spent[SAME_TILES], unit="s"),
            _times_as_fast(f"{ONCE}, beside the {SAME_TILES}", spent[SAME_TILES], spent[ONCE], at_least=3),
            _times_as_fast(f"{TWICE}, beside the {SAME_TILES}", spent[SAME_TILES], spent[TWICE]),
            _times_as_fast(f"{ONCE}, beside the {SQUEEZED}", spent[SQUEEZED], spent[ONCE]),
            _times_as_fast(f"{ONCE}, beside {BARE}", spent[BARE], spent[ONCE], at_least=0.85),
        ],
        notes=[
            f"{count} generated panoramas of 8000x4000 px, {len(shown)} tiles; {len(by_script)} of them for the script."
        ],
    )


def _times_as_fast(
    what: str, theirs: Sequence[float], own: Sequence[float], *, at_least: float | None = None
) -> Finding:
    return Finding(what=what, values=ratios(theirs, own), unit="x as fast", at_least=at_least)
