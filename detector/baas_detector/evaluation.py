"""Measure a folder of masks against the truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baas_detector.coverage import Recall, Verdict, recalls, usual_groups, verdicts
from baas_detector.masks import read_mask
from baas_detector.truth import Truth, load_truth

__all__ = ["Evaluation", "evaluate", "load_truth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was found, and what it cost."""

    min_coverage: float
    truth: Truth
    recalls: tuple[Recall, ...]
    without_mask: tuple[str, ...]
    """Images that have no mask: all their objects count as missed."""
    masked_share_mean: float | None
    """Mean over the images with a mask of the share of pixels that is masked; None when there is no mask at all."""
    masked_share_total: float | None
    """Share of all their pixels that is masked."""

    def document(self) -> dict[str, Any]:
        """Return it as plain data, for `--json`."""
        return {
            "min_coverage": self.min_coverage,
            "images": len(self.truth.images),
            "without_mask": list(self.without_mask),
            "ignored_objects": self.truth.ignored,
            "objects_of_other_classes": dict(self.truth.other_classes),
            "masked_share": {"mean": self.masked_share_mean, "total": self.masked_share_total},
            "recall": [
                {
                    "class": str(one.object_class),
                    "group": one.group,
                    "found": one.found,
                    "total": one.total,
                    "share": one.share,
                    "interval_95": list(one.interval()),
                }
                for one in self.recalls
            ],
        }


def evaluate(truth_file: Path, masks: Path, *, min_coverage: float) -> Evaluation:
    """Compare every labelled object with the mask of its image. Raises `ConfigurationError` for unusable files."""
    truth = load_truth(truth_file)
    judged: list[Verdict] = []
    without_mask: list[str] = []
    shares: list[float] = []
    masked = total = 0
    for image in truth.images:
        mask = read_mask(masks, image)
        judged += verdicts(mask, image.objects)
        if mask is None:
            without_mask.append(image.name)
            continue
        covered = int(mask.sum())
        shares.append(covered / mask.size)
        masked, total = masked + covered, total + mask.size
    return Evaluation(
        min_coverage=min_coverage,
        truth=truth,
        recalls=tuple(recalls(judged, usual_groups(), min_coverage=min_coverage)),
        without_mask=tuple(without_mask),
        masked_share_mean=sum(shares) / len(shares) if shares else None,
        masked_share_total=masked / total if total else None,
    )
