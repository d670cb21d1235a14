"""The two sides of a comparison: reports, or folders that `baas blur` wrote. The edge."""

import hashlib
from dataclasses import replace
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_detector.comparison.comparing import Basis, basis_of
from baas_detector.evaluation import evaluate
from baas_detector.evaluation.predictions import Source
from baas_detector.evaluation.results import Report, load_report
from baas_detector.evaluation.settings import Settings
from baas_detector.truth import load_truth


def read_sides(a: Path, b: Path, truth: Path | None, settings: Settings) -> tuple[Report, Report]:
    """Read both reports; what is a folder is measured, as the other side was. Raises `ConfigurationError`."""
    reports = {path: load_report(path) for path in (a, b) if path.is_file()}
    for path, report in reports.items():
        _require_truth(path, report, truth)
    folders = [path for path in (a, b) if path.is_dir()]
    if not folders:
        return reports[a], reports[b]
    if truth is None:
        raise ConfigurationError(f"{folders[0]} is a folder: give --truth, by which it is judged.")
    known = next(iter(reports.values()), None)
    if known is not None:
        settings = replace(settings, min_coverage=known.min_coverage)
    basis = _common_basis(folders, truth, basis_of(known) if known else None)
    measured = {folder: evaluate(truth, _source(folder, basis), settings) for folder in folders}
    both = {**reports, **measured}
    return both[a], both[b]


def _require_truth(path: Path, report: Report, truth: Path | None) -> None:
    if truth is not None and hashlib.sha256(truth.read_bytes()).hexdigest() != report.truth_digest:
        raise ConfigurationError(f"{path} was made with another truth than {truth}. Evaluate again with that one.")


def _common_basis(folders: list[Path], truth: Path, wanted: Basis | None) -> Basis:
    """Return what all folders hold, masks rather than detections: masks are what was redacted."""
    names = [image.name for image in load_truth(truth).images]
    held: dict[Path, set[Basis]] = {folder: _held(folder, names) for folder in folders}
    orders: tuple[Basis, ...] = (wanted,) if wanted else ("masks", "detections")
    for basis in orders:
        if all(basis in kinds for kinds in held.values()):
            return basis
    told = ", ".join(f"{folder} {' and '.join(sorted(kinds)) or 'nothing'}" for folder, kinds in held.items())
    raise ConfigurationError(
        f"A and B need {wanted or 'masks, or detections,'} of the truth's images on both sides; there is: {told}. "
        "Blur with --save-masks."
    )


def _held(folder: Path, names: list[str]) -> set[Basis]:
    kinds: tuple[tuple[Basis, str], ...] = (("masks", "png"), ("detections", "json"))
    return {basis for basis, suffix in kinds if any((folder / f"{name}.{suffix}").is_file() for name in names)}


def _source(folder: Path, basis: Basis) -> Source:
    return Source(masks=folder) if basis == "masks" else Source(detections=folder)
