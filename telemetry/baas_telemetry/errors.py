"""What a span tells of an error that ends it."""

from opentelemetry.trace import Span, Status, StatusCode


def note_error(span: Span, error: BaseException) -> None:
    """Let a span end with an error, by its kind alone: libraries' own words may hold a signature.

    What it says stands in the log, within the same span.
    """
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
