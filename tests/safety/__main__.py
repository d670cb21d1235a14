"""Prove on real files what docs/privacy.md promises: `make safety` blurs them all and judges what came of it.

    python -m tests.safety DATA MODELS

DATA has the folders jpeg/ and panoramas/, MODELS is Triton's model repository. The judges are exiftool, a carver and
IJG's libjpeg 6b; they see the originals, the finished files and the saved masks, as strangers would. Exit code 1 when a
promise is broken, 2 when it cannot be tried.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from baas_crds.codes import ExitCode
from tests.safety import tags, thumbnails
from tests.safety.carving import pictures_behind_the_first
from tests.safety.coefficients import Compared, compared, read_mask
from tests.safety.expectation import Expected, expected

BAAS = Path(sys.executable).with_name("baas")
SOI = b"\xff\xd8"
Places = Mapping[str, range]
"""Where the thumbnail stands in a file, by the file's name."""
out = Console(width=120, highlight=False)


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was found, and each promise that was broken."""

    broken: list[str] = field(default_factory=list)

    def must(self, holds: bool, promise: str, *, of: int) -> None:
        """Say a promise, and whether it is kept. Without anything that it is told `of`, it was not tried."""
        word = "UNTRIED" if not of else "kept   " if holds else "BROKEN "
        out.print(f"{word}  {promise}")
        if not (of and holds):
            self.broken.append(promise)


def main(data: Path, models: Path) -> int:
    """Blur and judge. Returns the exit code."""
    try:
        files = expected(data)
    except FileNotFoundError as missing:
        print(f"{missing}: name the folder with jpeg/ and panoramas/ by DATA=", file=sys.stderr)
        return 2
    if shutil.which("exiftool") is None:
        print("exiftool is not installed: apt install libimage-exiftool-perl", file=sys.stderr)
        return 2
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="baas-safety-") as folder:
        place = Path(folder)
        refused = blurred(data, models, place)
        judge_fates(files, place / "out", refused, verdict)
        done = [each.file for each in files if (place / "out" / each.file.name).exists()]
        judge_second_pictures(done, place / "out", verdict)
        judge_thumbnails(done, place, verdict)
        judge_blocks(done, place, verdict)
        judge_tags(done, place / "out", verdict)
    out.print(f"\n{len(verdict.broken)} promises not kept" if verdict.broken else "\nAll promises are kept.")
    return int(bool(verdict.broken))


def blurred(data: Path, models: Path, place: Path) -> dict[str, dict[str, Any]]:
    """Run `baas blur` as people do, with the real detector and all defaults; return what was not published."""
    start = time.monotonic()
    told: list[str | Path] = ["--save-masks", place / "masks", "--detections", "--json", "--model-repository", models]
    command = [BAAS, "blur", data / "jpeg", data / "panoramas", place / "out", *told]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode not in {ExitCode.DONE, ExitCode.QUARANTINED}:
        sys.stderr.buffer.write(done.stderr)
        raise SystemExit(2)
    answer = subprocess.run([BAAS, "status", place / "out", "--json"], check=False, stdout=subprocess.PIPE)
    status = json.loads(answer.stdout)
    out.print(
        f"`baas blur`, the real detector, all defaults: {status['images']['total']} files in"
        f" {time.monotonic() - start:.0f} s, {status['images']['published']} published,"
        f" {status['images']['quarantined']} quarantined, {sum(status['objects'].values())} objects redacted.\n"
    )
    return {one["name"]: one for one in status["not_published"]}


def judge_fates(files: list[Expected], folder: Path, refused: dict[str, dict[str, Any]], verdict: Verdict) -> None:
    """Compare published and refused files with the index."""
    table = Table("kind", "files", "good by the index", "published", "refused", "reasons")
    by_kind: dict[str, list[Expected]] = defaultdict(list)
    for each in files:
        by_kind[each.kind].append(each)
    for kind, some in by_kind.items():
        reasons = Counter(refused[each.file.name]["reason"] for each in some if each.file.name in refused)
        published = sum((folder / each.file.name).exists() for each in some)
        numbers = (len(some), sum(each.is_good for each in some), published, len(some) - published)
        told = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        table.add_row(kind, *(str(number or "") for number in numbers), told)
    out.print(table)
    fates = [(each, (folder / each.file.name).exists()) for each in files]
    others = [(each, is_published) for each, is_published in fates if is_published is not each.is_good]
    for each, is_published in others:
        out.print(f"{'published' if is_published else 'refused'}, unlike the index: {each.file.name}")
        out.print(f"    {each.excuse or 'nothing excuses that'}")
    wrong = sum(not each.excuse for each, _ in others)
    verdict.must(
        not wrong, f"each file has the fate that the index expects or its notes allow: {wrong} others", of=len(files)
    )
    unclear = sum(is_published is (each.file.name in refused) for each, is_published in fates)
    verdict.must(not unclear, f"each file is either published or has its reason: {unclear} others", of=len(files))


def judge_second_pictures(done: list[Path], folder: Path, verdict: Verdict) -> None:
    """Look for hidden pictures with exiftool and a carver, which must find some in the originals.

    One thumbnail in each published file does not count: `judge_thumbnails` judges what it shows.
    """
    finished = [folder / file.name for file in done]
    places = {name: thumbnail for name, found in tags.read(finished).items() if (thumbnail := tags.thumbnail(found))}
    for judge, look in (("exiftool", by_exiftool), ("a carver", by_carver), ("SOI markers", by_marker)):
        before, after = look(done, {}), look(finished, places)
        verdict.must(
            not after,
            f"no second picture but {len(places)} thumbnails in {len(done)} published files by {judge}:"
            f" {sum(after.values())} (originals: {sum(before.values())} in {len(before)} files)",
            of=len(before),
        )


def by_exiftool(files: list[Path], known: Places) -> dict[str, int]:
    """Count tags of second pictures."""
    return counted(
        {
            name: len(tags.second_pictures(found, besides=tags.REBUILT_THUMBNAIL if name in known else ()))
            for name, found in tags.read(files).items()
        }
    )


def by_carver(files: list[Path], known: Places) -> dict[str, int]:
    """Count beginnings of pictures."""
    beginnings = {
        file.name: pictures_behind_the_first(
            file.read_bytes(), besides=[known[file.name]] if file.name in known else []
        )
        for file in files
    }
    return counted({name: len(found) for name, found in beginnings.items()})


def by_marker(files: list[Path], known: Places) -> dict[str, int]:
    """Count the two bytes that begin a JPEG, whatever follows them."""
    found = {file.name: file.read_bytes().count(SOI, 1) for file in files}
    return counted({name: number - (name in known) for name, number in found.items()})


def judge_thumbnails(done: list[Path], place: Path, verdict: Verdict) -> None:
    """Compare thumbnails with the published pictures, and with the originals' where those show what was redacted."""
    had = {name for name, found in tags.read(done).items() if "IFD1:ThumbnailImage" in found}
    made = {file.name: thumbnail for file in done if (thumbnail := thumbnails.read(place / "out" / file.name))}
    lost = [name for name in had | made.keys() if (name in had) is not (name in made)]
    verdict.must(
        not lost,
        f"{len(had)} files had an Exif thumbnail and have a new one, no other: {len(lost)} others",
        of=len(had),
    )
    whole = sum(thumbnails.is_one_jpeg(thumbnail) for thumbnail in made.values())
    verdict.must(whole == len(made), f"{whole} of {len(made)} new thumbnails are one JPEG each", of=len(made))
    seen = [
        thumbnails.compared(file, place / "out" / file.name, read_mask(place / "masks" / f"{file.name}.png"))
        for file in done
        if file.name in had & made.keys()
    ]
    worst = max((each.from_published for each in seen), default=0.0)
    verdict.must(
        worst < thumbnails.MOST_UNLIKE,
        f"{len(seen)} new thumbnails show the published picture: they differ by {worst:.1f} of 255 levels at most",
        of=len(seen),
    )
    telling = [each for each in seen if each.old_shows_more]
    nearer = sum(each.new_inside < each.old_inside for each in telling)
    verdict.must(
        nearer == len(telling),
        f"{len(telling)} old thumbnails show something else inside of the mask: {nearer} new ones are nearer to the"
        f" published picture there",
        of=len(telling),
    )
    for each in telling:
        out.print(f"    by {each.old_inside:.1f} levels the old one, by {each.new_inside:.1f} the new one")


def counted(numbers: dict[str, int]) -> dict[str, int]:
    """Leave zeros out."""
    return {name: number for name, number in numbers.items() if number}


def judge_blocks(done: list[Path], place: Path, verdict: Verdict) -> None:
    """Compare coefficients with the originals', and masks with the boxes that were told."""
    total, masked, objects, uncovered = Compared(), 0, 0, 0
    for file in done:
        covered = read_mask(place / "masks" / f"{file.name}.png")
        total.add(compared(file, place / "out" / file.name, covered))
        masked += bool(covered.any())
        boxes = [found["box"] for found in json.loads((place / "out" / f"{file.name}.json").read_bytes())["objects"]]
        objects += len(boxes)
        uncovered += sum(not is_covered(box, covered) for box in boxes)
    out.print(f"\n{masked} of {len(done)} published files have a mask; the others are compared as a whole.")
    verdict.must(
        not total.differing, f"{total.outside:,} blocks outside of masks: {total.differing} differ", of=total.outside
    )
    promise = f"{total.inside:,} blocks inside of masks: {total.left} would be others if nobody had been there"
    verdict.must(not total.left, promise, of=total.inside)
    verdict.must(not uncovered, f"{objects} objects' boxes: {uncovered} not wholly inside the mask", of=objects)


def judge_tags(done: list[Path], folder: Path, verdict: Verdict) -> None:
    """Compare the metadata that must stay, and tell what went."""
    before, after = tags.read(done), tags.read([folder / file.name for file in done])
    were: Counter[str] = Counter()
    went: Counter[str] = Counter()
    files: Counter[str] = Counter()
    lost: list[str] = []
    for file in done:
        count, missing = tags.kept(before[file.name], after[file.name])
        were += count
        lost += [f"{file.name}: {tag}" for tag in missing]
        groups = tags.gone(before[file.name], after[file.name])
        went += groups
        files.update(groups.keys())
    profiles = [(tags.profile(file), tags.profile(folder / file.name)) for file in done]
    had = [pair for pair in profiles if pair[0]]
    equal = sum(old == new for old, new in had)
    out.print("\nMetadata that stays, by exiftool: " + ", ".join(f"{kind} {were[kind]}" for kind in tags.KINDS))
    for each in lost:
        out.print(f"    lost: {each}")
    fewest = min(were[kind] for kind in tags.KINDS)  # a kind that no original has is not tried
    verdict.must(not lost, f"{were.total() - len(lost)} of {were.total()} tags have their value", of=fewest)
    verdict.must(equal == len(had), f"{equal} of {len(had)} ICC profiles are there, byte by byte", of=len(had))
    out.print("\nMetadata that went, as exiftool's groups, tags in files:")
    out.print(", ".join(f"{group} {number} in {files[group]}" for group, number in went.most_common()))


def is_covered(box: list[float], covered: Any) -> bool:
    """Whether a box, normalised and perhaps across the seam, lies in the mask."""
    height, width = covered.shape
    x, y, w, h = box
    rows = slice(max(0, round(y * height)), round((y + h) * height))
    columns = [column % width for column in range(round(x * width), round((x + w) * width))]
    return bool(covered[rows][:, columns].all())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
