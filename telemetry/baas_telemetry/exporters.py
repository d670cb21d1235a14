"""Where traces, metrics and logs go, as OpenTelemetry's and Azure's own environment variables say.

`OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` and `OTEL_LOGS_EXPORTER` name exporters, with commas. Unset: `otlp`
where an `OTEL_EXPORTER_OTLP_…ENDPOINT` is set, and `azure` where `APPLICATIONINSIGHTS_CONNECTION_STRING` is; without
either nothing is sent. Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables.
"""

import logging
import re
from collections.abc import Mapping
from enum import StrEnum

from opentelemetry.util.re import parse_env_headers


class Signal(StrEnum):
    """What is sent."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


class Exporter(StrEnum):
    """How it is sent."""

    OTLP = "otlp"
    """OTLP over HTTP, with OpenTelemetry's `OTEL_EXPORTER_OTLP_…` variables."""
    AZURE = "azure"
    """Azure Monitor, with `APPLICATIONINSIGHTS_CONNECTION_STRING`."""
    CONSOLE = "console"
    """JSON on standard error, to look at."""
    PROMETHEUS = "prometheus"
    """Metrics only: at `/metrics`, to be fetched."""


_ENDPOINT = re.compile(
    r"https?://[A-Za-z0-9._-]+(:[0-9]{1,5})?(/[^?#@\s]*)?|https?://\[[0-9a-fA-F:]+\](:[0-9]{1,5})?(/[^?#@\s]*)?"
)
# It tells each header that it does not understand.
logging.getLogger("opentelemetry.util.re").setLevel(logging.ERROR)
_NEEDS = {Exporter.AZURE: "APPLICATIONINSIGHTS_CONNECTION_STRING"}


class WrongExporter(ValueError):
    """The environment names an exporter that there is not, or one that lacks what it needs."""


def exporters_of(signal: Signal, environment: Mapping[str, str]) -> frozenset[Exporter]:
    """Return the exporters of a signal. Raises `WrongExporter` with a sentence that names the variable."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return frozenset()
    _check_otlp(signal, environment)
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    named = [name for word in environment.get(variable, "").split(",") if (name := word.strip())]
    if named:
        return frozenset(_known(name, signal, variable, environment) for name in named if name != "none")
    return frozenset(_implied(signal, environment))


def _known(name: str, signal: Signal, variable: str, environment: Mapping[str, str]) -> Exporter:
    allowed = [one for one in Exporter if one is not Exporter.PROMETHEUS or signal is Signal.METRICS]
    if name not in allowed:
        raise WrongExporter(f"{variable} names {name!r}; there are {', '.join(allowed)} and none.")
    exporter = Exporter(name)
    needed = _NEEDS.get(exporter)
    if needed and not environment.get(needed):
        raise WrongExporter(f"{variable} names {name}, which needs {needed}.")
    return exporter


def _check_otlp(signal: Signal, environment: Mapping[str, str]) -> None:
    """Refuse what OpenTelemetry would take for nothing and tell in the log as it is, keys and tokens included."""
    for part in ("", f"{signal.upper()}_"):
        variable = f"OTEL_EXPORTER_OTLP_{part}ENDPOINT"
        if (endpoint := environment.get(variable)) and not _ENDPOINT.fullmatch(endpoint):
            raise WrongExporter(
                f"{variable} is no address such as http://collector:4318: http or https, a host, no user, no query. "
                "A token belongs into the headers."
            )
        variable = f"OTEL_EXPORTER_OTLP_{part}HEADERS"
        headers = environment.get(variable, "")
        if len(parse_env_headers(headers, liberal=True)) < sum(bool(one.strip()) for one in headers.split(",")):
            raise WrongExporter(
                f"{variable} is no list of name=value with commas; what is special in a value is percent-encoded."
            )


def _implied(signal: Signal, environment: Mapping[str, str]) -> list[Exporter]:
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    implied = [Exporter.OTLP] if any(environment.get(name) for name in endpoints) else []
    if environment.get(_NEEDS[Exporter.AZURE]):
        implied.append(Exporter.AZURE)
    return implied
