"""The operator's environment."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from baas_crds.blurjob import BlurJobSpec
from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_crds.places import SecretKey
from baas_operator.limits import Limits
from baas_operator.settings import read_settings

NEEDED = {
    "BAAS_LEDGER": "postgresql://baas:secret@db/baas",
    "POD_NAMESPACE": "baas",
    "BAAS_OPERATOR_TRITON_URL": "grpc://triton.baas.svc:8001",
    "BAAS_OPERATOR_LEDGER_SECRET_NAME": "baas-ledger",
    "BAAS_OPERATOR_WORKER_IMAGE": "registry/baas-preprocess:1",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize(
    ("given", "everywhere", "namespaces"),
    [("", False, ("baas",)), ("north, south", False, ("north", "south")), ("*", True, ())],
)
def test_which_namespaces_are_watched(
    environment: pytest.MonkeyPatch, given: str, everywhere: bool, namespaces: tuple[str, ...]
) -> None:
    environment.setenv("BAAS_OPERATOR_NAMESPACES", given)
    settings = read_settings()
    assert (settings.watches_everywhere, settings.watched_namespaces) == (everywhere, namespaces)


def test_the_charts_pods(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BAAS_OPERATOR_WORKER_RESOURCES", '{"requests": {"cpu": 2, "memory": "4Gi"}}')
    environment.setenv("BAAS_OPERATOR_WORKER_POD_LABELS", '{"azure.workload.identity/use": "true"}')
    environment.setenv("BAAS_OPERATOR_WORKER_TOLERATIONS", '[{"key": "gpu", "operator": "Exists"}]')
    environment.setenv("BAAS_OPERATOR_WORKER_ENV", '[{"name": "OTEL_SERVICE_NAME", "value": "worker"}]')
    environment.setenv("BAAS_OPERATOR_IMAGE_PULL_SECRETS", "one,two")
    defaults = read_settings().pod_defaults()
    assert defaults.image_pull_secrets == ("one", "two")
    assert defaults.template.as_document() == {
        "resources": {"requests": {"cpu": "2", "memory": "4Gi"}},
        "labels": {"azure.workload.identity/use": "true"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "env": [{"name": "OTEL_SERVICE_NAME", "value": "worker"}],
        "serviceAccountName": "default",
    }


def test_without_a_key_for_audit_records_there_is_none(environment: pytest.MonkeyPatch) -> None:
    assert read_settings().pod_defaults().audit_secret is None
    environment.setenv("BAAS_OPERATOR_AUDIT_SECRET_NAME", "city-key")
    assert read_settings().pod_defaults().audit_secret == SecretKey(name="city-key", key="audit.pem")
    environment.setenv("BAAS_OPERATOR_AUDIT_SECRET_KEY", "2026.pem")
    assert read_settings().pod_defaults().audit_secret == SecretKey(name="city-key", key="2026.pem")


def test_the_tritons_that_blurjobs_may_name_and_the_secrets_that_they_may_not(environment: pytest.MonkeyPatch) -> None:
    own = NEEDED["BAAS_OPERATOR_TRITON_URL"]
    ledger = SecretKey(name="baas-ledger", key="url")
    assert read_settings().limits() == Limits(triton_url=own, own_secrets=(ledger,))
    environment.setenv("BAAS_OPERATOR_ALLOWED_TRITON_URLS", "grpc://a.svc:8001, grpcs://*.example.org:443")
    named = ("grpc://a.svc:8001", "grpcs://*.example.org:443")
    key = SecretKey(name="city-key", key="audit.pem")
    environment.setenv("BAAS_OPERATOR_AUDIT_SECRET_NAME", "city-key")
    assert read_settings().limits() == Limits(triton_url=own, allowed_triton_urls=named, own_secrets=(ledger, key))


def test_credentials_of_telemetry_are_no_blurjobs_either(environment: pytest.MonkeyPatch) -> None:
    of_telemetry = {"name": "insights", "key": "connectionString"}
    of_a_proxy = {"name": "proxy", "key": "url"}
    variables = [
        {"name": "APPLICATIONINSIGHTS_CONNECTION_STRING", "valueFrom": {"secretKeyRef": of_telemetry}},
        {"name": "HTTPS_PROXY", "valueFrom": {"secretKeyRef": of_a_proxy}},
    ]
    environment.setenv("BAAS_OPERATOR_WORKER_ENV", json.dumps(variables))
    own = read_settings().limits().own_secrets
    assert own == (SecretKey(name="baas-ledger", key="url"), SecretKey(**of_telemetry))


def test_a_blurjob_that_would_send_the_webhooks_token_to_its_own_proxy_is_refused(
    environment: pytest.MonkeyPatch,
) -> None:
    token = {"name": "webhook", "key": "token"}
    environment.setenv("BAAS_OPERATOR_OWN_SECRETS", json.dumps([{"name": "webhook", "key": "url"}, token]))
    thief = [
        {"name": "PROXY_TOKEN", "valueFrom": {"secretKeyRef": token}},
        {"name": "HTTPS_PROXY", "value": "http://$(PROXY_TOKEN):x@elsewhere.example:3128"},
    ]
    places = {"source": {"volume": {"claimName": "raw"}}, "output": {"volume": {"claimName": "safe"}}}
    spec = BlurJobSpec.model_validate(places | {"podTemplate": {"env": thief}})
    said = read_settings().limits().refusal(spec)
    assert said.startswith("spec.podTemplate.env[PROXY_TOKEN] names token of the Secret webhook, which is the install")


def test_a_webhook_has_an_address_and_perhaps_a_token(environment: pytest.MonkeyPatch) -> None:
    assert (read_settings().webhook_url, read_settings().webhook_token) == (None, None)
    environment.setenv("BAAS_OPERATOR_WEBHOOK_URL", "https://hooks.example.org/password\n")
    environment.setenv("BAAS_OPERATOR_WEBHOOK_TOKEN", "token\n")
    settings = read_settings()
    assert settings.webhook_url is not None
    assert settings.webhook_token is not None
    assert settings.webhook_url.get_secret_value() == "https://hooks.example.org/password"
    assert settings.webhook_token.get_secret_value() == "token"
    assert "password" not in repr(settings)
    environment.setenv("BAAS_OPERATOR_WEBHOOK_URL", "https://hooks.example.org/?to=streets@example.org")
    assert read_settings().webhook_url is not None


def test_a_ledger_that_pods_enter_as_who_they_are_needs_no_secret(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("BAAS_OPERATOR_LEDGER_SECRET_NAME")
    environment.setenv("BAAS_OPERATOR_LEDGER_URL", "postgresql://db/baas?auth=entra")
    assert read_settings().pod_defaults().ledger == "postgresql://db/baas?auth=entra"
    assert read_settings().limits().own_secrets == ()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("BAAS_OPERATOR_LEDGER_SECRET_NAME", None, "set either BAAS_OPERATOR_LEDGER_URL or BAAS_OPERATOR_LEDGER_S"),
        ("BAAS_OPERATOR_LEDGER_URL", "postgresql://db/baas?auth=entra", "set either BAAS_OPERATOR_LEDGER_URL or BA"),
        ("BAAS_LEDGER", None, "BAAS_LEDGER: Field required"),
        ("BAAS_OPERATOR_WORKER_IMAGE", None, "BAAS_OPERATOR_WORKER_IMAGE: Field required"),
        ("BAAS_OPERATOR_HEALTH_PORT", "0", "BAAS_OPERATOR_HEALTH_PORT: Input should be greater than or equal to 1"),
        ("BAAS_OPERATOR_TRITON_URL", "http://triton:8000", "tritonUrl is Triton's gRPC address such as"),
        ("BAAS_OPERATOR_ALLOWED_TRITON_URLS", "grpc://a:1,*", "ALLOWED_TRITON_URLS.1: Value error, tritonUrl"),
        ("BAAS_OPERATOR_ALLOWED_TRITON_URLS", "grpc://*:8001", "tritonUrl is Triton's gRPC address such as"),
        ("BAAS_OPERATOR_ALLOWED_TRITON_URLS", "grpc://*.*.svc:8001", "tritonUrl is Triton's gRPC address such as"),
        ("BAAS_OPERATOR_ALLOWED_TRITON_URLS", "grpc://a?.svc:8001", "tritonUrl is Triton's gRPC address such as"),
        ("BAAS_OPERATOR_WORKER_ENV", '[{"name": "BAAS_LEDGER", "value": "x"}]', "are the operator's"),
        ("BAAS_OPERATOR_WORKER_RESOURCES", '{"cpu": 2}', "BAAS_OPERATOR_WORKER_RESOURCES.cpu: Extra inputs"),
        ("BAAS_OPERATOR_WORKER_RESOURCES", "{", "BAAS_OPERATOR_WORKER_RESOURCES: Input should be"),
        ("BAAS_OPERATOR_WEBHOOK_URL", "hooks.example.org/secret", "WEBHOOK_URL: Value error, an address begins with"),
        ("BAAS_OPERATOR_WEBHOOK_URL", "https://user:secret@hooks.example.org/", "has no user and password before its"),
        ("BAAS_OPERATOR_WEBHOOK_URL", "https://secret@hooks.example.org", "has no user and password before its host"),
        ("BAAS_OPERATOR_WEBHOOK_URL", "https://user:secret\uff0f@hooks.example.org", "has no user and password before"),
        ("BAAS_OPERATOR_WORKER_TRACED_PERCENT", "101", "WORKER_TRACED_PERCENT: Input should be less than or equal to"),
        ("BAAS_OPERATOR_NAMESPACES", "*,north", 'is either "*" or a list of names'),
        ("POD_NAMESPACE", None, "set one of them"),
    ],
)
def test_a_wrong_setting_is_named(environment: pytest.MonkeyPatch, name: str, value: str | None, sentence: str) -> None:
    if value is None:
        environment.delenv(name)
    else:
        environment.setenv(name, value)
    with pytest.raises(ConfigurationError) as error:
        read_settings()
    assert sentence in str(error.value)
    assert "secret" not in str(error.value)


def test_the_command_says_what_is_missing_and_ends_with_the_code_for_it() -> None:
    command = Path(sys.executable).with_name("baas-operator")
    done = subprocess.run([command], check=False, env={}, capture_output=True, text=True)
    assert done.returncode == ExitCode.CONFIGURATION
    assert done.stderr.splitlines()[0] == "BAAS_LEDGER: Field required"


def test_without_a_cluster_the_command_says_so() -> None:
    command = Path(sys.executable).with_name("baas-operator")
    with socket.create_server(("", 0)) as metrics, socket.create_server(("", 0)) as health:
        ports = {"METRICS_PORT": metrics.getsockname()[1], "HEALTH_PORT": health.getsockname()[1]}
    env = {**NEEDED, **{f"BAAS_OPERATOR_{name}": str(port) for name, port in ports.items()}}
    done = subprocess.run([command], check=False, env=env, capture_output=True, text=True)
    assert done.returncode == ExitCode.CONFIGURATION
    assert done.stderr.startswith("No API server: set KUBECONFIG, or run in a pod with a ServiceAccount")
