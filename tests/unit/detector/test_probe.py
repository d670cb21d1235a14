"""Addresses of Triton servers."""

import pytest

from baas_crds.errors import ConfigurationError
from baas_detector.probe import grpc_address


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("127.0.0.1:8001", "127.0.0.1:8001"),
        ("grpc://triton.baas.svc:8001", "triton.baas.svc:8001"),
        ("grpc://triton:8001/", "triton:8001"),
        ("[::1]:8001", "[::1]:8001"),
    ],
)
def test_a_grpc_address_is_host_and_port(given: str, address: str) -> None:
    assert grpc_address(given) == address


@pytest.mark.parametrize("given", ["", "triton", "http://triton:8000", "https://triton:8001", "triton:port", "a b:1"])
def test_any_other_address_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected host:port of its gRPC port \(8001\)"):
        grpc_address(given)
