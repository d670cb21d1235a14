"""Which hosts an answer may lead to."""

import pytest

from baas_crds.errors import ConfigurationError
from baas_panoramas.links import checked


@pytest.mark.parametrize(
    ("link", "base"),
    [
        ("https://t1.data.amsterdam.nl/a.jpg", "https://api.data.amsterdam.nl/panoramas/"),
        ("https://a.t1.data.amsterdam.nl:443/a.jpg", "https://api.data.amsterdam.nl/panoramas/"),
        ("https://T1.data.amsterdam.nl/a.jpg", "https://API.data.amsterdam.nl/panoramas/"),
        ("https://pictures.city.co.uk/a.jpg", "https://api.city.co.uk/"),
        ("https://api.co.uk/a.jpg", "https://api.co.uk/"),
        ("https://api.baas.svc:8443/a.jpg", "https://api.baas.svc:8443/"),
        ("https://10.0.0.5/a.jpg", "https://10.0.0.5/"),
        ("http://api.data.amsterdam.nl/a.jpg", "http://api.data.amsterdam.nl/"),
    ],
)
def test_the_api_s_own_host_and_those_beside_it_may_be_asked(link: str, base: str) -> None:
    assert checked(link, base=base) == link


@pytest.mark.parametrize(
    ("link", "base"),
    [
        ("https://t1.data.amsterdam.nl.example/a.jpg", "https://api.data.amsterdam.nl/"),
        ("https://data.amsterdam.nl/a.jpg", "https://api.data.amsterdam.nl/"),
        ("https://t1.data.amsterdam.nl:8443/a.jpg", "https://api.data.amsterdam.nl/"),
        ("http://t1.data.amsterdam.nl/a.jpg", "http://api.data.amsterdam.nl/"),
        ("https://u:p@t1.data.amsterdam.nl/a.jpg", "https://api.data.amsterdam.nl/"),
        ("https://evil.co.uk/a.jpg", "https://api.co.uk/"),
        ("https://evil.co.uk./a.jpg", "https://api.co.uk./"),
        ("https://evil.example.org/a.jpg", "https://api.example.org/"),
        ("https://ledger.baas.svc/a.jpg", "https://api.baas.svc/"),
        ("https://ledger.baas.svc.cluster.local/a.jpg", "https://api.baas.svc.cluster.local/"),
        ("https://ledger.baas.svc.cluster.local./a.jpg", "https://api.baas.svc.cluster.local./"),
        ("https://a.ledger.baas.SVC.cluster.local/a.jpg", "https://a.api.baas.SVC.cluster.local/"),
        ("https://ledger.other.svc.cluster.local/a.jpg", "https://api.svc.cluster.local/"),
        ("https://7.0.0.5/a.jpg", "https://10.0.0.5/"),
    ],
)
def test_others_may_not_be(link: str, base: str) -> None:
    with pytest.raises(ConfigurationError, match="neither its own host"):
        checked(link, base=base)
