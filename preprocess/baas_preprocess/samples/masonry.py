"""Stones laid in courses, each with its own tone: bricks of a wall, clinkers and slabs of a street."""

import numpy as np

from baas_preprocess.samples.brush import Floats


def lay(
    random: np.random.Generator,
    across: Floats,
    along: Floats,
    *,
    stone_m: tuple[float, float],
    spread: float,
    joint_tone: float,
) -> Floats:
    """Return tones around 1 of courses of stones, each course shifted by half a stone.

    `across` and `along` the courses are metres and broadcast against each other; `stone_m` is a stone's size so.
    """
    course = np.floor(across / stone_m[0]).astype(np.int32)
    shifted = along + stone_m[1] / 2 * (course % 2)
    stones = course * 131 + np.floor(shifted / stone_m[1]).astype(np.int32) * 17
    tones = random.normal(1, spread, 4096).astype(np.float32)[stones % 4096]
    joint_m = 0.009
    tones[np.mod(shifted, stone_m[1]) < joint_m] *= np.float32(joint_tone)
    tones[np.broadcast_to(np.mod(across, stone_m[0]) < joint_m, tones.shape)] *= np.float32(joint_tone)
    return np.asarray(tones, np.float32)
