"""The step `evaluate`: redact pictures with the built repository as the service does, and measure what was missed.

What counts is what is published, not what the network finds on a picture that was squeezed to its input: so the program
`baas` cuts tiles and joins boxes, and its masks are judged.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_detector import program
from baas_detector.evaluation import evaluate as measure
from baas_detector.evaluation.predictions import Source
from baas_detector.evaluation.settings import Settings
from baas_detector.training.settings import TrainingConfig


def evaluate(config: TrainingConfig) -> Path:
    """Write report.json, which `baas-detector gate` reads, into RUN/evaluation; return its path.

    Beside it stands summary.json, the same without single pictures and objects: what may go with a model.

    Raises `ConfigurationError` when `baas blur` ends for another reason than pictures it had to quarantine; those count
    as missed.
    """
    wanted = config.evaluate
    if wanted is None:
        raise ConfigurationError("The file has no part `evaluate:`")
    folder = config.folder / "evaluation"
    shutil.rmtree(folder, ignore_errors=True)  # of another model, perhaps
    folder.mkdir(parents=True)
    safe, masks = folder / "safe", folder / "masks"
    _blur(wanted.images, safe, "--model-repository", config.repository, "--save-masks", masks, "--detections")
    report = measure(wanted.truth, Source(masks=masks, detections=safe), Settings(seed=config.train.seed))
    path = folder / "report.json"
    path.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    summary = report.model_dump_json(indent=2, exclude={"objects", "per_image", "without_mask"})
    path.with_name("summary.json").write_text(summary + "\n", encoding="utf-8")
    return path


def _blur(images: Path, safe: Path, *options: str | Path) -> None:
    done = subprocess.run(
        [
            program.baas(),
            "blur",
            images.resolve(),
            safe.resolve(),
            *(o.resolve() if isinstance(o, Path) else o for o in options),
        ],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=safe.parent,  # nobody's baas.toml counts
    )
    if done.returncode not in {ExitCode.DONE, ExitCode.QUARANTINED}:
        said = done.stderr.strip() or f"it ended with exit code {done.returncode}"
        raise ConfigurationError(f"`baas blur` did not redact {images}: {said[-1000:]}")
