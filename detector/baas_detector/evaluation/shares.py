"""Shares and the measures made of them. Pure."""


def share_of(part: float, whole: float) -> float | None:
    """Return part / whole, None for a share of nothing."""
    return part / whole if whole else None


def f_score(precision: float | None, recall: float, beta: float) -> float:
    """Return F of C. J. van Rijsbergen, Information Retrieval, 1979: recall counts `beta` times as much as precision.

    0 when nothing is right.
    """
    if not precision or not recall:
        return 0.0
    weight = beta * beta
    return (1 + weight) * precision * recall / (weight * precision + recall)
