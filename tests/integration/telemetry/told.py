"""A process that tells of itself, as operator and pods do: run by the tests with exporters of their choice."""

import logging

from opentelemetry import metrics, trace

from baas_telemetry.logs import about, log_as_json
from baas_telemetry.setup import telemetry


def main() -> None:
    """Do a run of two images, of which one fails."""
    log_as_json("INFO")
    with telemetry("baas-test", instance="pod-1"):
        tracer = trace.get_tracer("test")
        images = metrics.get_meter("test").create_counter("baas.images", unit="{image}")
        with tracer.start_as_current_span("work"), about(run="run-1"):
            with tracer.start_as_current_span("image"), about(image="a.jpg"):
                images.add(2, {"outcome": "published"})
                logging.getLogger("test").info("image published", extra={"facts": {"seconds": 0.5}})
            try:
                raise ValueError("no JPEG")
            except ValueError:
                logging.getLogger("test").exception("image quarantined")


if __name__ == "__main__":
    main()
