"""JSON lines on stdout, with the same keys as the pods': time, level, logger, message, and facts."""

import json
import logging
import sys
from datetime import UTC, datetime

TALKATIVE = {"alembic": logging.WARNING, "kopf.objects": logging.WARNING}
"""Libraries that tell each step they take."""


class JsonLine(logging.Formatter):
    """One JSON document a line; what `extra={"facts": {…}}` holds stands beside the message."""

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
        return json.dumps(document, default=str)


def log_as_json(level: str) -> None:
    """Log to stdout from now on, what is of this level or graver."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if level != "DEBUG":
        for name, quieter in TALKATIVE.items():
            logging.getLogger(name).setLevel(quieter)
