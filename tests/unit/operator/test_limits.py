"""Where a BlurJob may have pictures sent to, and which Secrets are not its own."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.places import SecretKey
from baas_operator.limits import Limits
from tests.unit.operator.seeing import spec

ROOT = Path(__file__).parents[3]
OWN = "grpc://baas-triton.baas.svc:8001"
LIMITS = Limits(triton_url=OWN, allowed_triton_urls=("grpc://triton.models.svc:8001", "grpcs://*.example.org:443"))
LABELS = st.from_regex("[a-z0-9](-?[a-z0-9]){0,3}", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


@pytest.mark.parametrize("limits", [LIMITS, Limits(triton_url=OWN)])
@pytest.mark.parametrize("detector", [{}, {"tritonUrl": OWN}])
def test_the_own_triton_is_always_allowed(limits: Limits, detector: dict[str, str]) -> None:
    assert limits.refusal(spec(detector=detector)) == ""


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("grpc://triton.models.svc:8001", True),
        ("grpcs://a.example.org:443", True),
        ("grpcs://a.b.example.org:443", True),
        ("grpcs://triton.models.svc:8001", False),
        ("grpc://triton.models.svc:8002", False),
        ("grpc://triton.models.svc.example.net:8001", False),
        ("grpc://a.example.org:443", False),
        ("grpcs://a.example.org:8443", False),
        ("grpcs://example.org:443", False),
        ("grpcs://badexample.org:443", False),
        ("grpcs://a.example.org.example.net:443", False),
        ("grpc://elsewhere.example.net:8001", False),
    ],
)
def test_another_triton_must_be_named(url: str, is_allowed: bool) -> None:
    said = LIMITS.refusal(spec(detector={"tritonUrl": url}))
    assert (said == "") is is_allowed
    if not is_allowed:
        assert said.startswith(f"spec.detector.tritonUrl is {url}, but this installation sends pictures to {OWN}, ")
        assert "grpcs://*.example.org:443 only." in said
        assert "operator.allowedTritonUrls" in said


def test_without_a_list_no_other_triton_is_allowed() -> None:
    said = Limits(triton_url=OWN).refusal(spec(detector={"tritonUrl": "grpc://triton.models.svc:8001"}))
    assert f"sends pictures to {OWN} only." in said


@given(host=HOSTS, below=HOSTS, port=st.integers(1, 65535), other=st.integers(1, 65535))
def test_a_pattern_allows_exactly_the_names_below_it(host: str, below: str, port: int, other: int) -> None:
    limits = Limits(triton_url=OWN, allowed_triton_urls=(f"grpcs://*.{below}:{port}",))
    is_below = host.endswith(f".{below}")
    for name, its_port, is_allowed in (
        (host, port, is_below),
        (f"{host}.{below}", port, True),
        (f"{host}.{below}", other, other == port),
        (f"{host}{below}", port, f"{host}{below}".endswith(f".{below}")),
        (below, port, False),
    ):
        said = limits.refusal(spec(detector={"tritonUrl": f"grpcs://{name}:{its_port}"}))
        assert (said == "") is is_allowed, (name, its_port)


@pytest.mark.parametrize(
    "name",
    [
        # Pictures would go through a proxy, or to another address.
        *("grpc_proxy", "http_proxy", "https_proxy", "all_proxy", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "LOCALDOMAIN"),
        # The ledger's password would: libpq takes what its URL does not say from these.
        *("PGHOSTADDR", "PGSERVICEFILE", "PGSSLMODE", "PGPASSFILE"),
        # Tokens of the workload identity would, or another identity's be taken.
        *("AZURE_AUTHORITY_HOST", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "MSI_ENDPOINT"),
        # Others could pass for the store or for Microsoft's sign-in.
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "OPENSSL_CONF"),
        # Other code would run.
        *("PYTHONWARNINGS", "PYTHONPATH", "LD_PRELOAD", "PATH", "HOME", "OTEL_PYTHON_TRACER_PROVIDER"),
        # What pods tell of themselves would be sent to others, and names of pictures with it.
        *("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"),
        *("OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_SDK_DISABLED", "OTEL_EXPORTER_PROMETHEUS_HOST"),
        *("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"),
        # Nobody knows what it does.
        *("https_PROXY", "TZDIR", "XPROXY_PASSWORD", "ANYTHING"),
    ],
)
def test_a_blurjob_may_set_no_variable_but_those_listed(name: str) -> None:
    said = LIMITS.refusal(spec(podTemplate={"env": [{"name": "TZ", "value": "UTC"}, {"name": name, "value": "x"}]}))
    assert said.startswith(f"spec.podTemplate.env sets {name}, but a BlurJob may set HTTPS_PROXY, HTTP_PROXY, ")
    assert "worker.extraEnv" in said


@pytest.mark.parametrize(
    "name", ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "PROXY_PASSWORD", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"]
)
def test_listed_variables_are_the_blurjobs_matter(name: str) -> None:
    assert LIMITS.refusal(spec(podTemplate={"env": [{"name": name, "value": "x"}]})) == ""


def test_the_variables_of_the_example_with_all_fields_are_allowed() -> None:
    for example in yaml.safe_load_all((ROOT / "examples" / "blurjob-all-fields.yaml").read_text()):
        assert LIMITS.refusal(spec(podTemplate=example["spec"].get("podTemplate", {}))) == ""


@pytest.mark.parametrize(
    ("value", "is_allowed"),
    [
        ("http://me:$(PROXY_PASSWORD)@proxy:3128", True),
        ("http://proxy:3128/$PATH", True),
        ("http://x:$(BAAS_LEDGER)@attacker.example.net", False),
        ("$(PROXY_PASSWORD)$(BAAS_SOURCE_CONNECTION_STRING)", False),
        ("$(SECRET_OF_THE_CHARTS)", False),
    ],
)
def test_a_value_is_made_of_no_other_variables_than_the_blurjobs_own(value: str, is_allowed: bool) -> None:
    env = [{"name": "PROXY_PASSWORD", "value": "x"}, {"name": "HTTPS_PROXY", "value": value}]
    said = LIMITS.refusal(spec(podTemplate={"env": env}))
    assert (said == "") is is_allowed
    if not is_allowed:
        assert said.startswith("spec.podTemplate.env makes HTTPS_PROXY of $(")
        assert "attacker" not in said


@pytest.mark.parametrize(
    ("name", "key", "is_own"),
    [
        ("baas-ledger", "url", True),
        ("city-key", "audit.pem", True),
        ("baas-ledger", "proxy", False),
        ("proxy", "url", False),
    ],
)
def test_nothing_is_made_of_the_installations_own_secrets(name: str, key: str, is_own: bool) -> None:
    own = (SecretKey(name="baas-ledger", key="url"), SecretKey(name="city-key", key="audit.pem"))
    limits = Limits(triton_url=OWN, own_secrets=own)
    secret = {"name": name, "key": key}
    variable = {"name": "HTTPS_PROXY", "valueFrom": {"secretKeyRef": secret}}
    blobs = {
        "azureBlob": {
            "accountUrl": "https://city.blob.core.windows.net",
            "container": "raw",
            "connectionStringSecret": secret,
        }
    }
    for field, changes in (
        ("spec.podTemplate.env[HTTPS_PROXY]", {"podTemplate": {"env": [{"name": "TZ", "value": "UTC"}, variable]}}),
        ("spec.source.azureBlob.connectionStringSecret", {"source": blobs}),
        ("spec.output.azureBlob.connectionStringSecret", {"output": blobs}),
        (
            "spec.qualityCheck.output.azureBlob.connectionStringSecret",
            {"qualityCheck": {"sampleSize": 1, "output": blobs}},
        ),
        (
            "spec.retrainingSample.output.azureBlob.connectionStringSecret",
            {"retrainingSample": {"size": 1, "output": blobs}},
        ),
    ):
        said = limits.refusal(spec(**changes))
        assert (said == "") is not is_own
        if is_own:
            assert said.startswith(f"{field} names {key} of the Secret {name}, which is the installation's own.")
