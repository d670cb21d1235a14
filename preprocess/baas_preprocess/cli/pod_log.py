"""What a pod leaves behind: JSON lines on stdout, and its last words where Kubernetes looks for them."""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

# Kubernetes' default terminationMessagePath, and the most it reads.
TERMINATION_LOG = Path("/dev/termination-log")
TERMINATION_BYTES = 4_096


class JsonLine(logging.Formatter):
    """One JSON document a line: time, level, logger, message, what `extra={"facts": {…}}` holds, an error's trace."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        document: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        return json.dumps(document)


def log_as_json() -> None:
    """Log to stdout from now on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for talkative in ("azure", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


def say_last_words(sentence: str) -> None:
    """Leave a sentence in the pod's status, where it is one. BAAS_TERMINATION_LOG names another file than the usual."""
    file = Path(os.environ.get("BAAS_TERMINATION_LOG", TERMINATION_LOG))
    if file.exists():
        file.write_bytes(sentence.encode()[:TERMINATION_BYTES])
