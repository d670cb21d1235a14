"""Draw the README's picture: a part of a generated panorama before and after. `make readme-picture` calls it."""

import sys
from pathlib import Path

import cv2
import numpy as np

LEFT, TOP, WIDTH, HEIGHT = 3700, 1900, 2600, 1000
GAP_PX = 16


def main(before: Path, after: Path, picture: Path) -> None:
    """Put the same part of both files one above the other."""
    parts = [cv2.imread(str(path))[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH] for path in (before, after)]
    gap = np.full((GAP_PX, WIDTH, 3), 255, np.uint8)
    both = np.vstack([parts[0], gap, parts[1]])
    picture.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(
        str(picture),
        cv2.resize(both, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        [cv2.IMWRITE_JPEG_QUALITY, 85],
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
