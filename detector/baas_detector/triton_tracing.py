"""Triton's own spans: sent where OpenTelemetry's variables say, within the spans of whoever asks it.

https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/trace.html
"""

from collections.abc import Mapping

SERVICE = "baas-triton"


def tracing_flags(environment: Mapping[str, str]) -> list[str]:
    """Return the server's flags. Without an OTLP endpoint in the environment there are none.

    Triton goes on with the trace that a request names, and begins none of its own but for one request in two thousand
    million. Version 2.51 now and then loses those of a request that comes while another one begins.
    """
    own = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    shared = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    url = own or (shared and f"{shared.rstrip('/')}/v1/traces")
    if not url or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    settings = (
        "mode=opentelemetry",
        "level=TIMESTAMPS",
        "rate=2147483647",
        f"opentelemetry,url={url}",
        f"opentelemetry,resource=service.name={SERVICE}",
        "opentelemetry,resource=service.namespace=blurring-as-a-service",
    )
    return [flag for setting in settings for flag in ("--trace-config", setting)]
