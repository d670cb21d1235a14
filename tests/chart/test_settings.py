"""The operator as its container would start: its real settings, read from what the chart renders."""

from collections.abc import Callable

import pytest

from baas_crds.places import SecretKey
from baas_operator.limits import Limits
from baas_operator.settings import PREFIX, Settings, read_settings
from tests.chart.rendering import DIGEST, HERE, THERE, VALUE_SETS, Object, Refused, Rendering, render, rendering

Read = Callable[[Rendering], Settings]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    def read(found: Rendering) -> Settings:
        (container,) = found.pod("Deployment baas-operator").spec["containers"]
        assert container["envFrom"] == [{"configMapRef": {"name": "baas-operator"}}]
        own = {it["name"] for it in container["env"] if "valueFrom" in it}
        assert own >= {"POD_NAMESPACE", "BAAS_LEDGER"}
        monkeypatch.setattr("os.environ", {"POD_NAMESPACE": HERE, "BAAS_LEDGER": "postgresql://x", **found.settings})
        return read_settings()

    return read


def variables() -> set[str]:
    """All settings but those that come from elsewhere than the ConfigMap."""
    elsewhere = {"LEDGER", "OWN_NAMESPACE", "WEBHOOK_URL", "WEBHOOK_TOKEN"}
    return {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} - {f"{PREFIX}{name}" for name in elsewhere}


def test_the_operator_can_read_its_settings(each: Rendering, read: Read) -> None:
    assert set(each.settings) <= variables(), "the operator does not know all of them"
    assert read(each).pod_defaults()


def test_every_setting_can_be_set() -> None:
    by_identity = render({"ledger": {"existingSecret": None, "url": "postgresql://db/baas?auth=entra"}})
    assert set(rendering("everything").settings) | set(by_identity.settings) == variables()


def test_the_defaults_reach_the_operator(read: Read) -> None:
    settings = read(rendering("on CPUs"))
    assert settings.watched_namespaces == (HERE,)
    assert settings.triton_url == f"grpc://baas-triton.{HERE}.svc:8001"
    assert (settings.ledger_secret_name, settings.ledger_secret_key) == ("baas-ledger", "url")
    assert (settings.status_interval_seconds, settings.log_level) == (5, "INFO")
    assert settings.worker_service_account == "baas-worker"
    assert settings.worker_image_pull_policy == "IfNotPresent"
    assert settings.worker_resources is not None
    assert settings.worker_resources.as_document() == {
        "requests": {"cpu": "1", "memory": "2Gi"},
        "limits": {"memory": "4Gi"},
    }


def test_all_that_is_said_of_workers_reaches_their_pods(read: Read) -> None:
    defaults = read(rendering("everything")).pod_defaults()
    assert defaults.image == f"registry.example/baas/preprocess@{DIGEST}"
    assert defaults.image_pull_secrets == ("registry", "mirror")
    said = VALUE_SETS["everything"]["worker"]
    template = defaults.template.as_document()
    assert template["labels"] == {"azure.workload.identity/use": "true", "cost-centre": "4711", **said["podLabels"]}
    assert template["annotations"] == said["podAnnotations"]
    for name in ("nodeSelector", "tolerations", "affinity", "priorityClassName"):
        assert template[name] == said[name]
    scraped = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0"}  # noqa: S104
    scraped["OTEL_EXPORTER_PROMETHEUS_PORT"] = str(defaults.metrics_port)
    own = [{"name": name, "value": value} for name, value in scraped.items()]
    assert template["env"] == [*own, *said["extraEnv"]]


def test_the_key_for_audit_records_reaches_pods_and_is_none_unless_named(read: Read) -> None:
    assert read(rendering("on CPUs")).pod_defaults().audit_secret is None
    assert not any("AUDIT" in name for name in rendering("on CPUs").settings)
    named = read(render({"audit": {"signingKey": {"existingSecret": "city-key"}}})).pod_defaults().audit_secret
    assert named == SecretKey(name="city-key", key="audit.pem")
    both = read(rendering("everything")).pod_defaults().audit_secret
    assert both == SecretKey(name="city-key", key="2026.pem")


@pytest.mark.parametrize(
    ("watched", "everywhere", "namespaces"),
    [([], False, (HERE,)), ([THERE, HERE], False, (THERE, HERE)), (["*"], True, ())],
    ids=str,
)
def test_the_operator_watches_what_it_has_roles_for(
    read: Read, watched: list[str], everywhere: bool, namespaces: tuple[str, ...]
) -> None:
    found = render({"operator": {"watchNamespaces": watched}})
    assert read(found).watches_everywhere is everywhere
    assert read(found).watched_namespaces == namespaces
    assert tuple(role["metadata"]["namespace"] for role in found.of("Role")) == namespaces


def test_the_releases_own_triton_is_allowed_and_those_that_the_chart_names(read: Read) -> None:
    one, all_of_them = (f"grpc://baas-triton{suffix}.{HERE}.svc:8001" for suffix in ("", "-headless"))
    secrets: tuple[SecretKey, ...] = (SecretKey(name="baas-ledger", key="url"),)
    of_one = Limits(triton_url=one, allowed_triton_urls=(all_of_them,), own_secrets=secrets)
    assert read(rendering("on CPUs")).limits() == of_one
    elsewhere = read(rendering("another's Triton")).limits()
    assert elsewhere == Limits(triton_url="grpcs://triton.example:8001", own_secrets=secrets)
    named = ("grpc://triton.models.svc:8001", "grpcs://*.example.org:443")
    keys_of = {"city-key": ("2026.pem",), "hook": ("address", "password")}
    secrets = (*secrets, *(SecretKey(name=name, key=key) for name, keys in keys_of.items() for key in keys))
    limits = Limits(triton_url=all_of_them, allowed_triton_urls=(one, *named), own_secrets=secrets)
    assert read(rendering("everything")).limits() == limits


def test_no_blurjob_may_name_the_key_to_tritons_models(read: Read) -> None:
    own = read(rendering("blobs by key")).limits().own_secrets
    assert set(own) == {SecretKey(name="baas-ledger", key="url"), SecretKey(name="models-key", key="key")}
    elsewhere = {"enabled": False, "url": "grpcs://triton.example:8001"}
    assert "BAAS_OPERATOR_OWN_SECRETS" not in render(VALUE_SETS["blobs by key"], {"triton": elsewhere}).settings


KEY = {"secretKeyRef": {"name": "proxy", "key": "url"}}


@pytest.mark.parametrize(
    ("worker", "is_right"),
    [
        ({"resources": {"limits": {"memory": 4294967296, "cpu": 2}}}, True),
        ({"resources": {"limits": {"cpu": 0.5}}}, False),
        ({"resources": {"limits": {"memory": "4 GB"}}}, False),
        ({"resources": {"requests": {"cpu": -1}}}, False),
        ({"resources": {"claims": []}}, False),
        ({"tolerations": [{"key": "spot", "operator": "Equal", "value": "", "effect": "NoExecute"}]}, True),
        ({"tolerations": [{"key": "spot", "tolerationSeconds": 300, "effect": "NoExecute"}]}, True),
        ({"tolerations": [{"key": "spot", "operator": "exists"}]}, False),
        ({"tolerations": [{"key": "spot", "reason": "cheap"}]}, False),
        ({"nodeSelector": {"pool": "a b"}}, False),
        ({"podLabels": {"team": "streets and squares"}}, False),
        ({"podLabels": {"blurring.amsterdam.nl/blurjob": "mine"}}, False),
        ({"podAnnotations": {"blurring.amsterdam.nl/note": "mine"}}, False),
        ({"podAnnotations": {"note": "streets: and squares"}}, True),
        ({"extraEnv": [{"name": "HTTPS_PROXY", "valueFrom": KEY}]}, True),
        ({"extraEnv": [{"name": "HTTPS_PROXY", "value": ""}]}, True),
        ({"extraEnv": [{"name": "HTTPS_PROXY", "valueFrom": KEY, "value": "x"}]}, False),
        ({"extraEnv": [{"name": "HTTPS_PROXY", "valueFrom": KEY | {"configMapKeyRef": KEY["secretKeyRef"]}}]}, False),
        ({"extraEnv": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}, False),
        ({"extraEnv": [{"name": "BAAS_LEDGER", "value": "sqlite://"}]}, False),
        ({"extraEnv": [{"name": "TRACEPARENT", "value": "x"}]}, False),
        ({"extraEnv": [{"name": "MY-PROXY", "value": "x"}]}, False),
        ({"priorityClassName": "Not A Name"}, False),
        ({"serviceAccount": {"name": "a..b"}}, False),
        ({"image": {"digest": "sha256:abc"}}, False),
        ({"affinity": {"nodeAffinity": {"anything": ["goes"]}}}, True),
    ],
    ids=str,
)
def test_what_the_operator_would_die_of_is_refused_at_installation(worker: Object, is_right: bool, read: Read) -> None:
    if is_right:
        assert read(render({"worker": worker})).pod_defaults()
    else:
        with pytest.raises(Refused, match="values don't meet the specifications of the schema"):
            render({"worker": worker})


@pytest.mark.parametrize("url", ["http://triton:8001", "grpc://triton", "grpc://Triton:8001", "grpc://triton:8001/x"])
def test_an_address_that_is_none_of_a_triton_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="/triton/url"):
        render({"triton": {"enabled": False, "url": url}})


def test_labels_of_everything_are_those_of_workers_too(read: Read) -> None:
    with pytest.raises(Refused, match="commonLabels"):
        render({"commonLabels": {"blurring.amsterdam.nl/blurjob": "mine"}})
    settings = read(render({"commonLabels": {"cost-centre": "4711"}}))
    assert settings.worker_pod_labels == {"cost-centre": "4711"}
