"""JSON lines on stdout, the same in operator and pods: time, level, logger, message, facts, and an error's trace."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

TALKATIVE = ("alembic", "azure", "kopf.objects")
"""Libraries that tell each step they take as INFO."""


class JsonLine(logging.Formatter):
    """One JSON document a line; what `extra={"facts": {…}}` holds stands beside the message.

    Facts that JSON does not know become text. None of them can take the place of time, level, logger or message.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        document: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, fact in getattr(record, "facts", {}).items():
            document.setdefault(name, _writable(fact))
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        # ASCII only: some readers end a line at U+0085 or U+2028, too, and names of files need not be Unicode.
        return json.dumps(document, default=str)


def log_as_json(level: Level) -> None:
    """Log to stdout from now on, what is of this level or graver."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in TALKATIVE:
        # With a level of its own, a library would also speak where only errors are wanted.
        logging.getLogger(name).setLevel(logging.WARNING if level == "INFO" else logging.NOTSET)


def _writable(fact: object) -> object:
    # Not a number, keys that are no text, and what holds itself are beyond `default`.
    try:
        json.dumps(fact, default=str, allow_nan=False)
    except (TypeError, ValueError):
        return str(fact)
    return fact
