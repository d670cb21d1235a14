"""The steps `train`, `export` and `evaluate`, done by the program `baas-detector`: rooms do not import each other."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baas_crds.codes import ExitCode
from baas_preprocess.local_triton import detector_program
from baas_preprocess.steps.flags import Step

PARTS: Mapping[Step, tuple[str, ...]] = {
    Step.TRAIN: ("convert", "select", "train", "validate"),
    Step.EXPORT: ("export",),
    Step.EVALUATE: ("evaluate", "gate", "register"),
}
"""Which steps of a training's file belong to which of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """How a call ended."""

    code: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the program printed."""

    @property
    def sentence(self) -> str:
        """Sum it up for a person; why it failed, the program itself has said."""
        if self.code == ExitCode.QUARANTINED:
            return "the model does not pass the gate; nothing was registered"
        if self.code:
            return f"baas-detector ended with {self.code}; what it said stands above"
        return ", ".join(f"{name} {_short(value)}" for name, value in self.facts.items()) or "done"


def train(file: Path, step: Step) -> Trained:
    """Run those steps of a training's file that belong to `step` and that it switches on.

    What it tells of its progress goes to our stderr. Interrupted, the same call goes on. Raises `ConfigurationError`
    when the program is not installed.
    """
    only = [option for part in PARTS[step] for option in ("--only", part)]
    program = detector_program(f"do steps.{step} with: install the extra `training`")
    done = subprocess.run(
        [program, "train", str(file), *only], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
    )
    return Trained(code=done.returncode, facts=json.loads(done.stdout) if done.returncode == 0 else {})


def _short(value: object) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)
