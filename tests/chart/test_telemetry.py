"""Where operator, workers and Triton send their telemetry, and who is told of runs."""

import pytest

from baas_crds.places import SecretKey
from baas_detector.triton_tracing import tracing_flags
from baas_operator.settings import Settings
from tests.chart.rendering import CLIENT_ID, HERE, VALUE_SETS, Object, Rendering, render, rendering

ENDPOINT = "http://collector.monitoring:4318"
HEADERS = {"secretKeyRef": {"name": "otlp", "key": "headers"}}
CONNECTION = {"secretKeyRef": {"name": "insights", "key": "connectionString"}}


def env_of(container: Object) -> Object:
    """What a container's variables are, none given twice."""
    variables = container.get("env", [])
    env = {it["name"]: it.get("value", it.get("valueFrom")) for it in variables}
    assert len(env) == len(variables)
    return env


def operator(found: Rendering) -> Object:
    return env_of(found.pod("Deployment baas-operator").spec["containers"][0])


def settings(found: Rendering, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The operator's settings, as it reads them."""
    monkeypatch.setattr("os.environ", {"POD_NAMESPACE": HERE, "BAAS_LEDGER": "postgresql://x", **found.settings})
    return Settings()  # type: ignore[call-arg]


def workers(found: Rendering, monkeypatch: pytest.MonkeyPatch) -> Object:
    """What the operator is told to give to workers."""
    template = settings(found, monkeypatch).pod_defaults().template.as_document()
    return env_of(template)


def sending(env: Object) -> Object:
    return {
        name: env[name] for name in env if name.startswith(("OTEL_EXPORTER", "OTEL_METRICS", "APPLICATIONINSIGHTS"))
    }


def test_by_default_nothing_is_sent_and_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rendering("on CPUs")
    assert sending(operator(found)) == sending(env_of(found.triton)) == workers(found, monkeypatch) == {}
    assert not any("WEBHOOK" in name for name in operator(found))
    assert "--trace-config" not in str(rendering("a model image").triton)


def test_operator_and_workers_send_to_the_collector_and_to_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT,
        "OTEL_EXPORTER_OTLP_HEADERS": HEADERS,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": CONNECTION,
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"Authorization=AAD;ClientId={CLIENT_ID}",
    }
    found = rendering("told")
    assert sending(operator(found)) == wanted
    assert workers(found, monkeypatch) == wanted
    assert settings(found, monkeypatch).pod_defaults().traced_percent == 2.5


def test_triton_sends_its_spans_to_the_collector_as_on_cpus() -> None:
    triton = rendering("told").triton
    assert sending(env_of(triton)) == {"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_EXPORTER_OTLP_HEADERS": HEADERS}
    given = [arg.removeprefix("--trace-config=") for arg in triton["args"] if arg.startswith("--trace-config=")]
    assert given == tracing_flags({"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT})[1::2]
    on_cpus = render({"telemetry": {"otlp": {"endpoint": ENDPOINT}}}).triton
    assert env_of(on_cpus)["OTEL_EXPORTER_OTLP_ENDPOINT"] == ENDPOINT
    assert "--trace-config" not in str(on_cpus), "baas-detector serve gives the flags itself"


def test_operator_and_triton_say_which_pods_they_are() -> None:
    wanted = f"k8s.namespace.name={HERE},k8s.pod.name=$(K8S_POD_NAME),k8s.node.name=$(K8S_NODE_NAME)"
    for env in (operator(rendering("told")), env_of(rendering("told").triton)):
        assert env["OTEL_RESOURCE_ATTRIBUTES"] == wanted
        names = list(env)
        assert max(names.index(name) for name in ("K8S_POD_NAME", "K8S_NODE_NAME")) < names.index(
            "OTEL_RESOURCE_ATTRIBUTES"
        )


def test_without_a_client_id_each_signs_in_as_itself() -> None:
    found = render({"telemetry": {"applicationInsights": {"existingSecret": "insights", "entra": True}}})
    assert operator(found)["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] == "Authorization=AAD"


@pytest.mark.parametrize(
    ("changes", "exporters"),
    [
        ((), "prometheus"),
        (({"telemetry": {"otlp": {"endpoint": ENDPOINT}}},), "prometheus,otlp"),
        ((VALUE_SETS["told"],), "prometheus,otlp,azure"),
    ],
)
def test_prometheus_finds_workers_metrics_beside_what_they_send(
    changes: tuple[Object, ...], exporters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = render(*changes, {"monitoring": {"scrape": "podMonitor"}})
    env = workers(found, monkeypatch)
    assert env["OTEL_METRICS_EXPORTER"] == exporters
    assert env["OTEL_EXPORTER_PROMETHEUS_HOST"] == "0.0.0.0"  # noqa: S104
    port = settings(found, monkeypatch).pod_defaults().metrics_port
    assert env["OTEL_EXPORTER_PROMETHEUS_PORT"] == str(port)
    assert "OTEL_METRICS_EXPORTER" not in operator(found), "its own port is there anyway"


def test_a_variable_of_your_own_takes_the_place_of_the_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"extraEnv": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://other:4318"}]}
    found = render(VALUE_SETS["told"], {"operator": own, "worker": own, "triton": own})
    for env in (operator(found), workers(found, monkeypatch), env_of(found.triton)):
        assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://other:4318"


def test_blurjobs_make_no_variables_of_the_secrets_of_telemetry_and_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    own = settings(rendering("told"), monkeypatch).limits().own_secrets
    assert set(own) == {
        SecretKey(name="baas-ledger", key="url"),
        SecretKey(name="otlp", key="headers"),
        SecretKey(name="insights", key="connectionString"),
        SecretKey(name="webhook", key="url"),
        SecretKey(name="webhook", key="token"),
    }


def test_the_webhooks_address_and_token_come_from_its_secret() -> None:
    env = operator(rendering("told"))
    assert env["BAAS_OPERATOR_WEBHOOK_URL"] == {"secretKeyRef": {"name": "webhook", "key": "url"}}
    token = {"name": "webhook", "key": "token", "optional": True}
    assert env["BAAS_OPERATOR_WEBHOOK_TOKEN"] == {"secretKeyRef": token}
