"""A pod's last words, where Kubernetes looks for them."""

import os
from pathlib import Path

# Kubernetes' default terminationMessagePath, and the most it reads.
TERMINATION_LOG = Path("/dev/termination-log")
TERMINATION_BYTES = 4_096


def say_last_words(sentence: str) -> None:
    """Leave a sentence in the pod's status, where it is one. BAAS_TERMINATION_LOG names another file than the usual."""
    file = Path(os.environ.get("BAAS_TERMINATION_LOG", TERMINATION_LOG))
    if file.exists():
        # A file's name may be no Unicode, and a character that is cut in half would spoil the whole.
        whole = sentence.encode(errors="replace")[:TERMINATION_BYTES]
        file.write_bytes(whole.decode(errors="ignore").encode())
