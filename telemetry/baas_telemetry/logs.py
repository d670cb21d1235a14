"""JSON lines on stdout, the same in operator and pods: time, level, logger, message, facts, and an error's trace.

Within a span each line tells its `trace_id` and `span_id`, which join it to what is seen elsewhere.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, TypeAlias

from opentelemetry import trace

Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

TALKATIVE = ("alembic", "azure", "kopf.objects")
"""Libraries that tell each step they take as INFO."""


_about: ContextVar[Mapping[str, object]] = ContextVar("what log lines are about", default=MappingProxyType({}))


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Let each line that is logged in the block tell these facts, too."""
    token = _about.set({**_about.get(), **facts})
    try:
        yield
    finally:
        _about.reset(token)


def facts_of(record: logging.LogRecord) -> dict[str, object]:
    """Return what a record tells beside its message: its own facts first, then those of what is being done."""
    return {**_about.get(), **getattr(record, "facts", {})}


class JsonLine(logging.Formatter):
    """One JSON document a line; what `extra={"facts": {…}}` holds stands beside the message.

    Facts that JSON does not know become text. None of them can take the place of time, level, logger, message or the
    span's ids.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        document: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            document |= {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
        for name, fact in facts_of(record).items():
            document.setdefault(name, _writable(fact))
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        # ASCII only: some readers end a line at U+0085 or U+2028, too, and names of files need not be Unicode.
        return json.dumps(document, default=str)


def log_as_json(level: Level) -> None:
    """Log to stdout from now on, what is of this level or graver."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLine())
    logging.basicConfig(handlers=[handler], force=True)
    set_level(level)


def set_level(level: Level) -> None:
    """Log from now on what is of this level or graver."""
    logging.getLogger().setLevel(level)
    for name in TALKATIVE:
        # With a level of its own, a library would also speak where only errors are wanted.
        logging.getLogger(name).setLevel(logging.WARNING if level == "INFO" else logging.NOTSET)
    # As DEBUG it tells addresses with their queries, where signatures are that give access to a store.
    logging.getLogger("urllib3").setLevel(logging.INFO if level == "DEBUG" else logging.NOTSET)


def _writable(fact: object) -> object:
    # Not a number, keys that are no text, and what holds itself are beyond `default`.
    try:
        json.dumps(fact, default=str, allow_nan=False)
    except (TypeError, ValueError):
        return str(fact)
    return fact
