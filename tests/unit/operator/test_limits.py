"""Where a BlurJob may have pictures sent to, and which Secrets are not its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.places import SecretKey
from baas_operator.limits import Limits
from tests.unit.operator.seeing import spec

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
        "grpc_proxy",
        "http_proxy",
        "https_proxy",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "LOCALDOMAIN",
        "PYTHONWARNINGS",
        "PYTHONPATH",
        "LD_PRELOAD",
        "PATH",
    ],
)
def test_no_variable_leads_pictures_past_the_allowed_triton(name: str) -> None:
    said = LIMITS.refusal(spec(podTemplate={"env": [{"name": "TZ", "value": "UTC"}, {"name": name, "value": "x"}]}))
    assert said.startswith(f"spec.podTemplate.env sets {name}, which could lead pictures past the allowed Triton.")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "PROXY_PASSWORD", "OTEL_SERVICE_NAME"])
def test_other_variables_are_the_blurjobs_matter(name: str) -> None:
    assert LIMITS.refusal(spec(podTemplate={"env": [{"name": name, "value": "x"}]})) == ""


@pytest.mark.parametrize(
    ("name", "key", "is_own"),
    [
        ("baas-ledger", "url", True),
        ("city-key", "audit.pem", True),
        ("baas-ledger", "proxy", False),
        ("proxy", "url", False),
    ],
)
def test_no_variable_is_made_of_the_installations_own_secrets(name: str, key: str, is_own: bool) -> None:
    own = (SecretKey(name="baas-ledger", key="url"), SecretKey(name="city-key", key="audit.pem"))
    limits = Limits(triton_url=OWN, own_secrets=own)
    variable = {"name": "HTTPS_PROXY", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}
    said = limits.refusal(spec(podTemplate={"env": [{"name": "TZ", "value": "UTC"}, variable]}))
    assert (said == "") is not is_own
    if is_own:
        assert said.startswith(f"spec.podTemplate.env sets HTTPS_PROXY to {key} of the Secret {name}, which is")
