"""Pictures, what `baas blur` makes of them undisturbed, and what must hold of a destination after a kill."""

import io
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from sqlalchemy import Connection

from baas_crds.codes import ExitCode
from baas_ledger.audit import records
from baas_ledger.engine import open_ledger, reading
from baas_ledger.runs import latest_run
from baas_preprocess.audit_outputs import INTERRUPTED
from tests.integration.preprocess.conftest import published
from tests.kills.faults import Fault
from tests.kills.processes import Baas, Call

# Any 63 bytes in a row of one file hold, whole, one of the blocks into which another file is cut at these steps.
BLOCK_BYTES = 32
STATE = {"lock", *(f"ledger.sqlite{end}" for end in ("", "-wal", "-shm", "-journal"))}
"""A destination's state: its lock, and the ledger with what SQLite keeps beside it."""
PUBLISHED, REFUSED, EXCLUDED = ("0.jpg", "1.png", "street/2.jpg"), "3.jpg", "left-out.jpg"
"""Pictures of a scene: in the order in which they are treated, but the last, which is left out."""


class Place(NamedTuple):
    """Where one run's files go."""

    out: Path
    masks: Path


class Seen(NamedTuple):
    """What a kill left."""

    recorded: int
    """So many pictures are published for the ledger."""
    written: int
    """So many are at the destination."""
    unfinished: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """What comes of a run that nobody kills."""

    out: Mapping[str, bytes]
    masks: Mapping[str, bytes]
    records: Counter[tuple[str, str]]
    """How often the chain tells each kind of fate of each image."""
    status: Mapping[str, Any]
    """What `baas status` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A folder of originals, and a Triton that is there all the time."""

    baas: Baas
    triton: str
    originals: Path
    undisturbed: Undisturbed
    secret: frozenset[bytes]
    """Blocks of the originals that no finished file holds anywhere."""

    def blur(self, place: Place, *options: str, fault: Fault | None = None) -> Call:
        """Start a run into a place, or go on with it."""
        return _blur(self.baas, self.triton, self.originals, place, *options, fault=fault)

    def undisturbed_with(self, place: Place, *options: str) -> Undisturbed:
        """Let a run with other options come to its end in a place, and return what came of it."""
        return run_undisturbed(self.baas, self.triton, self.originals, place, *options)

    def judge_killed(self, place: Place, *others: Undisturbed) -> Seen:
        """Check a place that nobody works on, whenever its process died; return what is there.

        Other runs into it may have left what they publish.
        """
        runs = (self.undisturbed, *others)
        unfinished = 0
        for folder, wholes in zip(place, zip(*((run.out, run.masks) for run in runs), strict=True), strict=True):
            for name, data in published(folder).items():
                assert data in [whole.get(name) for whole in wholes], f"{name} is not what a whole run publishes"
            finished = [data for whole in wholes for data in whole.values()]
            unfinished += sum(judge_unfinished(path, finished) for path in folder.glob(".baas/unfinished/*"))
            kept = {path.name for path in folder.glob(".baas/*") if path.is_file()}
            assert kept <= STATE, f"{folder} keeps {kept - STATE}"
        assert not any(self.baas.temporary.iterdir()), "temporary files were left"
        # What lies outside of masks may stand in the others' files as in the originals, bit by bit.
        secret = self.secret.difference(*(_blocks(data, 1) for run in others for data in run.out.values()))
        judge_secrets(secret, [path for folder in place for path in folder.rglob("*") if path.is_file()])
        written = sum(name in PUBLISHED for name in published(place.out))
        return Seen(recorded=self._judge_chain(place, written), written=written, unfinished=unfinished)

    def judge_finished(self, place: Place, call: Call) -> None:
        """Check a place whose run has come to its end by itself."""
        assert call.ended() == ExitCode.QUARANTINED, call.err
        seen = self.judge_killed(place)
        assert self.baas.run("audit", "verify", place.out, "--json")[0] == ExitCode.DONE
        assert seen == (len(PUBLISHED), len(PUBLISHED), 0), seen
        found = look_at(self.baas, place)
        for part in ("out", "masks", "records", "status"):
            assert getattr(found, part) == getattr(self.undisturbed, part), f"{part} of a killed run: {found.status}"

    def _judge_chain(self, place: Place, written: int) -> int:
        """Let `baas audit verify` judge, and return how many outputs it knows and found whole."""
        code, call = self.baas.run("audit", "verify", place.out, "--json")
        if code == ExitCode.CONFIGURATION:
            assert not written, f"there are outputs, but no run: {call.err}"
            return 0
        # Killed between a picture and its record, or the record and the picture's removal: the next attempt does it.
        problems = [problem for problem in call.document["problems"] if INTERRUPTED not in problem]
        assert (problems, code in {ExitCode.DONE, ExitCode.TAMPERED}) == ([], True), call.err
        outputs: int = call.document["outputs"]
        return outputs


def make_scene(folder: Path, photo: bytes, triton: str) -> Scene:
    """Draw the originals from a photo with people, in a folder of the scene's own, and publish them undisturbed."""
    originals = folder / "originals"
    _draw(originals, photo)
    baas = Baas(folder)
    undisturbed = run_undisturbed(baas, triton, originals, Place(folder / "undisturbed", folder / "undisturbed-masks"))
    assert {name for name in undisturbed.out if Path(name).suffix in {".jpg", ".png"}} == set(PUBLISHED)
    return Scene(
        baas=baas,
        triton=triton,
        originals=originals,
        undisturbed=undisturbed,
        secret=secret_blocks(published(originals).values(), [*undisturbed.out.values(), *undisturbed.masks.values()]),
    )


def run_undisturbed(baas: Baas, triton: str, originals: Path, place: Place, *options: str) -> Undisturbed:
    """Return what comes of a whole run."""
    call = _blur(baas, triton, originals, place, *options)
    assert call.ended() == ExitCode.QUARANTINED, call.err
    return look_at(baas, place)


def look_at(baas: Baas, place: Place) -> Undisturbed:
    """Return what a run has made that is over now."""
    _, call = baas.run("status", place.out, "--json")
    status = {name: call.document[name] for name in ("images", "objects", "second_look", "not_published")}
    return Undisturbed(out=published(place.out), masks=published(place.masks), records=told(place.out), status=status)


def told(out: Path) -> Counter[tuple[str, str]]:
    """How often the chain of the last run into a folder tells each kind of fate of each image."""
    ledger = open_ledger(str(out / ".baas" / "ledger.sqlite"), migrate=False)
    try:
        with reading(ledger) as connection:
            run = latest_run(connection, str(out))
            assert run is not None
            return told_of(connection, run.id)
    finally:
        ledger.dispose()


def told_of(connection: Connection, run_id: str) -> Counter[tuple[str, str]]:
    """How often a run's chain tells each kind of fate of each image."""
    return Counter((record.facts["image"], record.kind) for record in records(connection, run_id))


def judge_unfinished(path: Path, finished: Iterable[bytes]) -> bool:
    """Check a file that nobody has finished: it is the beginning of a finished one, and its owner's until whole."""
    data, mode = path.read_bytes(), stat.S_IMODE(path.stat().st_mode)
    assert any(whole.startswith(data) for whole in finished), f"{path} is not the beginning of a finished file"
    assert mode == 0o600 or not data or data in finished, f"{path} of mode {mode:o} is for all to see, and not whole"
    return True


def secret_blocks(originals: Iterable[bytes], finished: Iterable[bytes]) -> frozenset[bytes]:
    """Return the blocks that stand somewhere in the originals, and nowhere in finished files."""
    known: set[bytes] = set().union(*(_blocks(data, 1) for data in finished))
    return frozenset(block for data in originals for block in _blocks(data, 1) - known)


def judge_secrets(secret: frozenset[bytes], files: Iterable[Path]) -> None:
    """Check that no file holds 63 bytes of an original, with a secret block among them."""
    for path in files:
        assert secret.isdisjoint(_blocks(path.read_bytes(), BLOCK_BYTES)), f"{path} holds bytes of an original"


def _blocks(data: bytes, step: int) -> set[bytes]:
    return {data[at : at + BLOCK_BYTES] for at in range(0, len(data) - BLOCK_BYTES + 1, step)}


def _draw(folder: Path, photo: bytes) -> None:
    with Image.open(io.BytesIO(photo)) as picture:
        for number, name in enumerate((*PUBLISHED, EXCLUDED)):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.resize((240 + 8 * number, 320 + 8 * number)).save(path, quality=90)
    (folder / REFUSED).write_bytes((folder / PUBLISHED[0]).read_bytes()[:5_000])


def _blur(baas: Baas, triton: str, originals: Path, place: Place, *options: str, fault: Fault | None = None) -> Call:
    told = ("--exclude", EXCLUDED, "--detections", "--save-masks", place.masks, "--max-attempts", "100", "--json")
    return baas.start("blur", originals, place.out, *told, "--triton", triton, *options, fault=fault)
