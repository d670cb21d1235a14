"""How well a detector, or a finished redaction, does what it is for, and for whom. `measure.evaluate` is the spine."""

from baas_detector.evaluation.measure import evaluate
from baas_detector.truth import load_truth

__all__ = ["evaluate", "load_truth"]
