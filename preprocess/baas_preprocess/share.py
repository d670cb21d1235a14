"""Who is in a share that follows from a text alone: the same in every run, and whoever is in 5 % is in 10 %, too."""

import hashlib


def is_among(text: str, percent: int) -> bool:
    """Whether a text is among so many (0..100) of a hundred; texts that differ in a letter are independent."""
    drawn = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(drawn[:8]) * 100 < percent << 64
