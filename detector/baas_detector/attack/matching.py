"""Who of many is it? Rankings of candidates by how near they come to what is shown. Pure linear algebra."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from baas_detector.checks import Tile

Features: TypeAlias = npt.NDArray[np.float64]
"""(pictures, numbers of each)"""
Transform: TypeAlias = Callable[[Features], Features]

_LONG_SIDE_PX = 64
_MOST_COMPONENTS = 150
_MOST_ROWS = 1000
"""Of the candidates, so many show how they differ."""
_LEAST_SIGMA = 1e-9
_SAME = 1e-9
"""Squared distances that differ by less, as a share of the largest, are the same: the last bits of the arithmetic."""


def features(pictures: Iterable[Tile], *, is_grey: bool) -> Features:
    """Shrink pictures of one size to at most 64 px, and take their samples as numbers: 0..255."""
    return np.stack([_shrunk(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) if is_grey else one) for one in pictures])


def _shrunk(picture: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    height, width = picture.shape[:2]
    share = min(1.0, _LONG_SIDE_PX / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    return cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA).ravel().astype(np.float64)


def without_light(rows: Features) -> Features:
    """Take away brightness and contrast: each row gets the mean 0 and the length 1, or 0 where it is plain."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(np.where(lengths > _SAME * rows.shape[1] * 255, centred / np.maximum(lengths, 1e-300), 0.0))


def learned(candidates: Features, tried: Features, tried_as: npt.NDArray[np.int_]) -> Transform:
    """Learn what light, noise and angle do, and return a transform in which they count little.

    `tried` are candidates `tried_as` that the attacker photographed and redacted himself. Along the candidates'
    principal components, differences are measured in standard deviations of what he saw there: linear discriminant
    analysis with one class for each candidate.
    """
    plain, seen = without_light(candidates), without_light(tried)
    middle = plain.mean(axis=0)
    sample = plain[:_MOST_ROWS] - middle
    _, sigmas, components = np.linalg.svd(sample, full_matrices=False)
    kept = components[: int((sigmas > max(_LEAST_SIGMA, 1e-4 * sigmas[0])).sum())][:_MOST_COMPONENTS]
    if not len(kept):
        return lambda rows: np.zeros((len(rows), 1))
    differences = (seen - plain[tried_as]) @ kept.T
    offset = differences.mean(axis=0)
    spread = np.atleast_2d(np.cov(differences.T)) + 1e-12 * np.eye(len(kept))
    spread += 1e-3 * np.trace(spread) / len(kept) * np.eye(len(kept))  # few were tried: trust no direction fully
    whitening = np.linalg.cholesky(np.linalg.inv(spread))

    def transform(rows: Features) -> Features:
        moved: Features = ((without_light(rows) - middle) @ kept.T - offset) @ whitening
        return moved

    return transform


def ranks(shown: Features, candidates: Features, truth: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """Return how many candidates are guessed before the true one, for each row of what is shown.

    Among candidates that are equally near, the attacker can but guess: he names them in their order.
    """
    centre = candidates.mean(axis=0)
    shown, candidates = shown - centre, candidates - centre
    lengths = (candidates**2).sum(axis=1)
    far = max(float(lengths.max()), float((shown**2).sum(axis=1).max()), 1e-12)
    found = np.empty(len(shown), np.int_)
    for index, (row, true) in enumerate(zip(shown, truth, strict=True)):
        distances = lengths - 2 * (candidates @ row)
        nearer = distances - distances[true]
        found[index] = (nearer < -_SAME * far).sum() + (np.abs(nearer[:true]) <= _SAME * far).sum()
    return found
