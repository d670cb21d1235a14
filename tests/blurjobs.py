"""BlurJobs for tests: the examples, and the table of those that are refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from baas_crds.__main__ import REFUSED, read_refusals
from baas_crds.reference import Refusal

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("blurjob-*.yaml"))


def pod_name(job: str) -> str:
    """Return a name as Kubernetes makes one for a Job's pod: cut, so that five random characters fit."""
    return f"{job}-"[:58] + "k5k7w"  # names.SimpleNameGenerator of k8s.io/apiserver


def documents(path: Path) -> list[dict[str, Any]]:
    """Return all BlurJobs of a file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def example(name: str) -> dict[str, Any]:
    """Return the first BlurJob of examples/blurjob-<name>.yaml."""
    return documents(ROOT / "examples" / f"blurjob-{name}.yaml")[0]


def with_change(document: Any, change: Any) -> Any:
    """Apply a merge patch (RFC 7386), as `kubectl patch --type merge` does."""
    if not isinstance(change, dict):
        return change
    before = document if isinstance(document, dict) else {}
    kept = {name: value for name, value in before.items() if name not in change}
    return kept | {name: with_change(before.get(name), value) for name, value in change.items() if value is not None}


def refusals(kind: str) -> list[Any]:
    """Return the table's rows as parameters of a test, called after the mistake."""
    return [pytest.param(refusal, id=refusal.what) for refusal in read_refusals(ROOT / REFUSED, kind)]


def schedule() -> dict[str, Any]:
    """Return the BlurSchedule of the examples."""
    return documents(ROOT / "examples" / "blurschedule.yaml")[0]


def refused(refusal: Refusal) -> dict[str, Any]:
    """Return the BlurJob that a row of the table speaks of."""
    changed: dict[str, Any] = with_change(example(refusal.example), refusal.change)
    return changed
