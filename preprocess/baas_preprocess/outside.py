"""What of a JPEG lies outside the mask: which blocks those are, and the digest of what must not change."""

import json

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from baas_preprocess.facts import Digest, Mask
from baas_preprocess.libjpeg import Blocks, Frame


class Digesting:
    """Digests rows of blocks in their order, and all that makes colours of them.

    BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), because SHA-256 takes as long over 96 MB of coefficients as
    reading them out of the file. First comes, as JSON without spaces in ASCII,
    `[width, height, sampling, colour space, [[number, rows, columns, [64 quantisation steps]] for each component]]`;
    then the blocks as they are added: those of the first component in rows from the top, then those of the next. Each
    is 64 coefficients of 16 bits, little-endian; they and the steps in natural order, not in zigzag.
    """

    def __init__(self, frame: Frame) -> None:
        """Begin with the headers of a JPEG."""
        planes = [(plane.number, plane.rows, plane.columns, plane.steps.tolist()) for plane in frame.planes]
        headers = (frame.width_px, frame.height_px, frame.sampling, frame.colour_space, planes)
        self._state = blake3(json.dumps(headers, separators=(",", ":")).encode())

    def add(self, blocks: Blocks) -> None:
        """Go on with one row, whose blocks inside the mask are zeros."""
        self._state.update(blocks.astype("<i2", copy=False).view(np.uint8).data)

    @property
    def digest(self) -> Digest:
        """Of all rows until now."""
        return Digest(f"blake3:{self._state.hexdigest()}")


def cell_grids(frame: Frame, mask: Mask) -> list[npt.NDArray[np.int32]]:
    """Lay the mask over the blocks of each component: the cell's number, or -1 outside, for each block.

    Raises `ValueError` when the mask was not made for a picture of this size and sampling.
    """
    unit_width, unit_height = mask.unit_px
    for plane in frame.planes:
        if unit_width % plane.block_px[0] or unit_height % plane.block_px[1]:
            raise ValueError(
                f"a mask of {unit_width}x{unit_height} px units cannot be laid over blocks of "
                f"{plane.block_px[0]}x{plane.block_px[1]} px ({frame.sampling})"
            )
    if (mask.width_px, mask.height_px) != (frame.width_px, frame.height_px):
        raise ValueError(
            f"the mask is {mask.width_px}x{mask.height_px} px, the picture {frame.width_px}x{frame.height_px} px"
        )
    return [
        mask.cells[
            np.ix_(
                np.arange(plane.rows) * plane.block_px[1] // unit_height,
                np.arange(plane.columns) * plane.block_px[0] // unit_width,
            )
        ]
        for plane in frame.planes
    ]
