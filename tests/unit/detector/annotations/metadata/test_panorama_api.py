"""The Panorama API's client, against a server that speaks its protocol."""

import socket
from collections.abc import Iterator

import pytest

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_detector.annotations.metadata.panorama_api import PanoramaApi
from baas_detector.annotations.metadata.places import Known, Position
from tests.unit.detector.annotations.metadata.panorama_server import PanoramaServer, panorama, serving

IDS = [f"TMX9900000001-000001_pano_0000_{number:06}" for number in range(5)]
ONE = IDS[0]
ROOT = ""
BUSY = (503, "{}")


@pytest.fixture
def server() -> Iterator[PanoramaServer]:
    with serving([panorama(name) for name in IDS]) as running:
        yield running


@pytest.fixture
def api(server: PanoramaServer) -> Iterator[PanoramaApi]:
    with PanoramaApi(server.url, retries=2, backoff_seconds=0.01) as client:
        yield client


def test_one_panorama_is_read(server: PanoramaServer, api: PanoramaApi) -> None:
    assert api.panorama(ONE) == Known(
        position=Position(latitude=52.37, longitude=4.9),
        timestamp="2026-03-01T10:00:00.000000Z",
        heading_deg=211.5,
        mission_year="2026",
    )
    assert server.asked == {ONE: 1}


def test_an_unknown_panorama_is_none_and_not_asked_for_again(server: PanoramaServer, api: PanoramaApi) -> None:
    assert api.panorama("elsewhere") is None
    assert server.asked == {"elsewhere": 1}


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_asked_again(server: PanoramaServer, api: PanoramaApi, status: int) -> None:
    server.failures[ONE] = [(status, "{}"), (status, "{}")]

    assert api.panorama(ONE) is not None
    assert server.asked[ONE] == 3


def test_what_does_not_pass_ends_as_a_service_that_does_not_answer(server: PanoramaServer, api: PanoramaApi) -> None:
    server.failures[ONE] = [BUSY] * 3

    with pytest.raises(DependencyUnavailable, match=f"answers 503 at {server.url}{ONE}/"):
        api.panorama(ONE)


def test_nobody_listening_is_a_service_that_does_not_answer() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with PanoramaApi(url, retries=1, backoff_seconds=0.01) as api, pytest.raises(DependencyUnavailable, match=url):
            api.panorama(ONE)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_is_not_asked_again(server: PanoramaServer, api: PanoramaApi, status: int) -> None:
    server.failures[ONE] = [(status, "{}")]

    with pytest.raises(ConfigurationError, match=f"refuses .* with {status}"):
        api.panorama(ONE)
    assert server.asked[ONE] == 1


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "[]",
        "{}",
        '{"pano_id": "x", "geometry": null}',
        '{"pano_id": "x", "geometry": {"coordinates": []}}',
        '{"pano_id": "x", "geometry": {"coordinates": [121000.0, 487000.0]}}',
    ],
)
def test_an_answer_that_is_no_panorama_is_named(server: PanoramaServer, api: PanoramaApi, body: str) -> None:
    server.failures[ONE] = [(200, body)]

    with pytest.raises(ConfigurationError, match="is not what a Panorama API does"):
        api.panorama(ONE)


def test_a_list_is_read_to_its_last_page(server: PanoramaServer, api: PanoramaApi) -> None:
    listed = dict(api.panoramas([("timestamp_after", "2026-01-01")]))

    assert list(listed) == IDS
    assert server.asked == {ROOT: 3}
    assert server.queries[0] == {"timestamp_after": ["2026-01-01"]}


def test_a_page_that_fails_for_a_while_is_asked_again(server: PanoramaServer, api: PanoramaApi) -> None:
    server.failures[ROOT] = [BUSY]

    assert len(list(api.panoramas([]))) == len(IDS)


def test_a_page_that_fails_for_good_ends_it_and_is_not_taken_for_the_last(
    server: PanoramaServer, api: PanoramaApi
) -> None:
    pages = api.panoramas([])
    next(pages)
    server.failures[ROOT] = [BUSY] * 3

    with pytest.raises(DependencyUnavailable, match="page=2"):
        list(pages)


@pytest.mark.parametrize("body", ['{"_embedded": {}}', '{"_embedded": {"panoramas": []}}', "7"])
def test_a_page_that_is_none_is_named(server: PanoramaServer, api: PanoramaApi, body: str) -> None:
    server.failures[ROOT] = [(200, body)]

    with pytest.raises(ConfigurationError, match="is not what a Panorama API does"):
        list(api.panoramas([]))


@pytest.mark.parametrize("link", ["http://127.0.0.2:1/panoramas/", "file:///etc/passwd", "?page=1"])
def test_pages_that_lead_elsewhere_or_back_are_not_followed(
    server: PanoramaServer, api: PanoramaApi, link: str
) -> None:
    server.next_link = link

    with pytest.raises(ConfigurationError, match="is not one more page of it"):
        list(api.panoramas([("page", "1")]))


def test_a_missing_list_is_an_error_and_no_empty_one(server: PanoramaServer, api: PanoramaApi) -> None:
    server.failures[ROOT] = [(404, "{}")]

    with pytest.raises(ConfigurationError, match="has no list of panoramas"):
        list(api.panoramas([]))


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must begin with https"):
        PanoramaApi("api.example/panoramas")
