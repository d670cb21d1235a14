"""Log lines as OpenTelemetry's records: the message a person reads, and its facts as attributes."""

import json
import logging

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider

from baas_telemetry.logs import facts_of

# These tell of their own failures to send, which would be sent, fail, and be told again.
_SENDERS = ("opentelemetry", "azure", "urllib3", "requests")
_SEVERITY = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}


class RecordSender(logging.Handler):
    """Hands each record to OpenTelemetry, within the current span."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over one record; the exporters' own are left out."""
        if record.name.split(".", 1)[0] in _SENDERS:
            return
        try:
            self._provider.get_logger(record.name).emit(
                LogRecord(
                    timestamp=int(record.created * 1e9),
                    severity_text=record.levelname,
                    severity_number=_SEVERITY.get(record.levelno, SeverityNumber.UNSPECIFIED),
                    body=record.getMessage(),
                    attributes={name: _simple(fact) for name, fact in facts_of(record).items()},
                    exception=record.exc_info[1] if record.exc_info else None,
                )
            )
        except Exception:  # noqa: BLE001 - as logging's own handlers: telling never stops the work
            self.handleError(record)


def _simple(fact: object) -> str | bool | int | float:
    return fact if isinstance(fact, str | bool | int | float) else json.dumps(fact, default=str)
