"""The Panorama API's client, against a server that speaks its protocol."""

import itertools
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from requests.utils import default_user_agent

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_crds.places import PanoramaFilters, SurfaceType
from baas_panoramas import asking
from baas_panoramas.asking import Manners
from baas_panoramas.client import PanoramaClient
from tests.panorama_server import Answer, PanoramaServer, panorama, serving

from .conftest import FAST, IDS

ONE = IDS[0]
ROOT = ""
BUSY = Answer(status=503)
AGAIN_AND_AGAIN = (BUSY,) * 3


def listed(client: PanoramaClient, **filters: Any) -> list[str]:
    return [one.pano_id for _, one in client.selected(PanoramaFilters(**filters))]


def test_one_panorama_is_read(server: PanoramaServer, client: PanoramaClient) -> None:
    found = client.panorama(ONE)

    assert found is not None
    assert (found.longitude, found.latitude, found.heading) == (4.9, 52.37, 211.5)
    assert (found.timestamp, found.mission_year, found.tags) == (
        "2026-03-01T10:00:00.000000Z",
        "2026",
        ("mission-bi", "mission-2026"),
    )
    assert server.asked == {ONE: 1}
    assert server.log[0].headers["User-Agent"] != default_user_agent()


def test_an_unknown_panorama_is_none_and_not_asked_for_again(server: PanoramaServer, client: PanoramaClient) -> None:
    assert client.panorama("elsewhere") is None
    assert server.asked == {"elsewhere": 1}


@pytest.mark.parametrize("status", [408, 429, 500, 501, 502, 503, 504, 520])
def test_what_passes_is_asked_again(server: PanoramaServer, client: PanoramaClient, status: int) -> None:
    server.failures[ONE] = [Answer(status=status), Answer(status=status)]

    assert client.panorama(ONE) is not None
    assert server.asked[ONE] == 3


def test_a_connection_that_is_cut_within_an_answer_is_asked_again(
    server: PanoramaServer, client: PanoramaClient
) -> None:
    server.failures[ONE] = [Answer(is_real=True, cut_after=20), Answer(is_real=True, cut_after=0)]

    assert client.panorama(ONE) is not None
    assert server.asked[ONE] == 3


def test_silence_is_asked_again(
    server: PanoramaServer, client: PanoramaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_TIMEOUTS_SECONDS", (5, 0.1))
    spoken = threading.Event()
    server.failures[ONE] = [Answer(silent_until=spoken)]
    try:
        assert client.panorama(ONE) is not None
    finally:
        spoken.set()
    assert server.asked[ONE] == 2


def test_a_server_that_says_how_long_to_wait_is_left_alone_so_long(
    server: PanoramaServer, client: PanoramaClient
) -> None:
    server.failures[ONE] = [Answer(status=429, headers={"Retry-After": "1"})]

    assert client.panorama(ONE) is not None
    first, second = (one.at for one in server.log)
    assert second - first >= 1


@pytest.mark.parametrize(
    "wait", ["soon", "", "-5", "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 99999 00:00:00 GMT", "9" * 5_000]
)
def test_a_wait_that_is_none_or_over_is_no_wait(server: PanoramaServer, client: PanoramaClient, wait: str) -> None:
    server.failures[ONE] = [Answer(status=429, headers={"Retry-After": wait})]

    assert client.panorama(ONE) is not None


def test_a_server_that_wants_to_be_left_alone_for_hours_is_not_waited_for(
    server: PanoramaServer, client: PanoramaClient
) -> None:
    server.failures[ONE] = [Answer(status=429, headers={"Retry-After": "3600"})]

    with pytest.raises(DependencyUnavailable, match=r"answers 429 at .* wants to be left alone for 3600 s"):
        client.panorama(ONE)
    assert server.asked[ONE] == 1


def test_what_does_not_pass_ends_as_a_service_that_does_not_answer(
    server: PanoramaServer, client: PanoramaClient
) -> None:
    server.failures[ONE] = [*AGAIN_AND_AGAIN]

    with pytest.raises(DependencyUnavailable, match=f"answers 503 at {server.url}{ONE}/"):
        client.panorama(ONE)


def test_patience_ends_by_time_when_a_time_is_given(server: PanoramaServer) -> None:
    server.failures[ONE] = [BUSY] * 1000
    impatient = Manners(retries=0, patience_seconds=0.2, backoff_seconds=0.01, per_second=10_000)
    with PanoramaClient(server.url, impatient) as client, pytest.raises(DependencyUnavailable):
        client.panorama(ONE)
    assert 2 <= server.asked[ONE] < 1000


def test_retries_are_told(server: PanoramaServer) -> None:
    told: list[None] = []
    server.failures[ONE] = [BUSY, BUSY]
    manners = Manners(retries=2, backoff_seconds=0.01, per_second=10_000, on_retry=lambda: told.append(None))
    with PanoramaClient(server.url, manners) as client:
        client.panorama(ONE)
    assert len(told) == 2


def test_no_more_is_asked_in_a_second_than_may_be(server: PanoramaServer) -> None:
    with PanoramaClient(server.url, Manners(per_second=20)) as client:
        threads = [threading.Thread(target=client.panorama, args=(name,)) for name in IDS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    moments = sorted(one.at for one in server.log)
    assert moments[-1] - moments[0] >= 4 / 20 - 0.04


def test_nobody_listening_is_a_service_that_does_not_answer() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with PanoramaClient(url, FAST) as client, pytest.raises(DependencyUnavailable, match=url):
            client.panorama(ONE)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_is_not_asked_again(server: PanoramaServer, client: PanoramaClient, status: int) -> None:
    server.failures[ONE] = [Answer(status=status)]

    with pytest.raises(ConfigurationError, match=f"refuses .* with {status}"):
        client.panorama(ONE)
    assert server.asked[ONE] == 1


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "[]",
        "{}",
        "\xff",
        "[" * 100_000,
        '{"pano_id": "x", "geometry": null}',
        '{"pano_id": "x", "geometry": {"coordinates": []}}',
        '{"pano_id": "x", "geometry": {"coordinates": [121000.0, 487000.0]}}',
        '{"pano_id": "../x", "geometry": {"coordinates": [4.9, 52.3]}}',
        '{"pano_id": "..", "geometry": {"coordinates": [4.9, 52.3]}}',
        '{"pano_id": "a/b", "geometry": {"coordinates": [4.9, 52.3]}}',
    ],
)
def test_an_answer_that_is_no_panorama_is_named(server: PanoramaServer, client: PanoramaClient, body: str) -> None:
    server.failures[ONE] = [Answer(body=body.encode("latin-1"))]

    with pytest.raises(ConfigurationError, match="is not what a Panorama API does"):
        client.panorama(ONE)


def test_an_answer_without_end_is_not_read_to_its_end(
    server: PanoramaServer, client: PanoramaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_JSON_BYTES", 1000)
    server.failures[ONE] = [Answer(body=b" " * 2000)]

    with pytest.raises(ConfigurationError, match="more than 1,000 bytes"):
        client.panorama(ONE)


def test_a_list_is_read_to_its_last_page(server: PanoramaServer, client: PanoramaClient) -> None:
    pages = list(client.pages([("timestamp_after", "2026-01-01")]))

    assert [one.pano_id for _, page in pages for one in page.panoramas] == IDS
    assert {page.count for _, page in pages} == {5}
    assert server.asked == {ROOT: 3}
    assert [one.query["timestamp_after"] for one in server.log] == [["2026-01-01"]] * 3


def test_a_list_goes_on_at_a_page(server: PanoramaServer, client: PanoramaClient) -> None:
    second = f"{server.url}?page=2"

    assert [one.pano_id for _, one in client.selected(PanoramaFilters(), first=second)] == IDS[2:]
    with pytest.raises(ConfigurationError, match="not one more page"):
        list(client.selected(PanoramaFilters(), first="https://elsewhere.example/?page=2"))


def test_a_page_that_fails_for_a_while_is_asked_again(server: PanoramaServer, client: PanoramaClient) -> None:
    server.failures[ROOT] = [BUSY]

    assert listed(client) == IDS


def test_a_page_that_fails_for_good_ends_it_and_is_not_taken_for_the_last(
    server: PanoramaServer, client: PanoramaClient
) -> None:
    found = client.selected(PanoramaFilters())
    next(found)
    server.failures[ROOT] = [*AGAIN_AND_AGAIN]

    with pytest.raises(DependencyUnavailable, match="page=2"):
        list(found)


@pytest.mark.parametrize(
    "body",
    ['{"_embedded": {}}', '{"_embedded": {"panoramas": []}}', "7", '{"_embedded": {"panoramas": []}, "_links": {}}'],
)
def test_a_page_that_is_none_is_named(server: PanoramaServer, client: PanoramaClient, body: str) -> None:
    server.failures[ROOT] = [Answer(body=body.encode())]

    with pytest.raises(ConfigurationError, match="is not what a Panorama API does"):
        listed(client)


@pytest.mark.parametrize("end", ["null", '{"href": null}'])
def test_the_last_page_says_so_in_either_way(server: PanoramaServer, client: PanoramaClient, end: str) -> None:
    body = f'{{"_embedded": {{"panoramas": []}}, "_links": {{"next": {end}}}}}'
    server.failures[ROOT] = [Answer(body=body.encode())]

    assert listed(client) == []


@pytest.mark.parametrize("link", ["http://127.0.0.2:1/panoramas/", "file:///etc/passwd", "?page=1", "/other/"])
def test_pages_that_lead_elsewhere_or_back_are_not_followed(
    server: PanoramaServer, client: PanoramaClient, link: str
) -> None:
    server.next_link = link

    with pytest.raises(ConfigurationError, match="is not one more page of it"):
        list(client.pages([("page", "1")]))


def test_a_missing_list_is_an_error_and_no_empty_one(server: PanoramaServer, client: PanoramaClient) -> None:
    server.failures[ROOT] = [Answer(status=404)]

    with pytest.raises(ConfigurationError, match="has no list of panoramas"):
        listed(client)


@pytest.mark.parametrize("address", ["api.example/panoramas", "ftp://api.example/", "https://"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="must begin with https"):
        PanoramaClient(address)


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_redirect_to_the_same_host_is_followed(
    server: PanoramaServer, client: PanoramaClient, is_whole: bool
) -> None:
    """Without a host it counts from the address that was asked (RFC 9110, section 10.2.2)."""
    to = f"{server.url}{IDS[1]}/" if is_whole else f"../{IDS[1]}/"
    server.failures[ONE] = [Answer(status=301, headers={"Location": to})]

    found = client.panorama(ONE)
    assert found is not None
    assert found.pano_id == IDS[1]


@pytest.mark.parametrize("to", ["http://127.0.0.2:1/", "https://127.0.0.1/", "file:///etc/passwd", "", "http://["])
def test_a_redirect_elsewhere_is_not_followed(server: PanoramaServer, client: PanoramaClient, to: str) -> None:
    server.failures[ONE] = [Answer(status=302, headers={"Location": to or "http://u:p@127.0.0.1:1/"})]

    with pytest.raises(ConfigurationError, match="The Panorama API leads to"):
        client.panorama(ONE)


def test_redirects_without_end_end(server: PanoramaServer, client: PanoramaClient) -> None:
    server.failures[ONE] = [Answer(status=302, headers={"Location": f"{server.url}{ONE}/"})] * 100

    with pytest.raises(ConfigurationError, match="leads on and on"):
        client.panorama(ONE)


def test_what_is_near_is_told_without_the_panorama_itself() -> None:
    around = [panorama("here"), panorama("there", longitude=4.9001), panorama("far", longitude=4.91)]
    with serving(around) as server, PanoramaClient(server.url, FAST) as client:
        assert [(one.pano_id, one.distance) for one in client.adjacencies("here")] == [("there", 6.79), ("far", 679.0)]
        with pytest.raises(ConfigurationError, match="knows no panorama 'nobody'"):
            client.adjacencies("nobody")


CITY = [
    panorama("old", timestamp="2025-05-01T10:00:00Z", mission_year="2025", tags=["mission-woz"], mission_type="woz"),
    panorama("water", surface_type="W"),
    panorama("far", longitude=5.0),
    panorama("late", timestamp="2026-12-31T23:59:59Z"),
    panorama("plain", tags=["mission-bi"]),
    panorama("without", tags=[None], mission_year=2026, heading=None),
]
FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["old", "water", "far", "late", "plain", "without"]),
    ({"near": "4.9,52.37", "radius_meters": 100}, ["old", "water", "late", "plain", "without"]),
    ({"timestamp_after": "2026-01-01"}, ["water", "far", "late", "plain", "without"]),
    ({"timestamp_before": "2026-12-31"}, ["old", "water", "far", "plain", "without"]),
    ({"tags": ("mission-bi", "mission-2026")}, ["water", "far", "late"]),
    ({"mission_year": 2025}, ["old"]),
    ({"mission_type": "woz"}, ["old"]),
    ({"surface_type": SurfaceType.WATER}, ["water"]),
    ({"surface_type": SurfaceType.LAND, "limit": 3}, ["old", "far", "late"]),
    ({"limit": 1}, ["old"]),
]


@pytest.fixture(scope="module")
def city() -> Iterator[PanoramaServer]:
    with serving(CITY) as server:
        yield server


@pytest.mark.parametrize(("filters", "wanted"), FILTERS)
@pytest.mark.parametrize("knows_them", [True, False])
def test_filters_select(city: PanoramaServer, filters: dict[str, Any], wanted: list[str], knows_them: bool) -> None:
    # Distances are the server's alone. What the test's server tells apart as text is text in the city's answers, too.
    names = {"timestamp_after", "timestamp_before", "tags", "mission_year", "mission_type", "surface_type"}
    city.passes_over = set() if knows_them else names
    with PanoramaClient(city.url, FAST) as client:
        assert listed(client, **filters) == wanted


@pytest.mark.parametrize(("limit", "pages"), [(1, 1), (2, 1), (3, 2), (6, 3)])
def test_a_limit_asks_for_no_more_pages_than_it_needs(city: PanoramaServer, limit: int, pages: int) -> None:
    before = len(city.log)
    with PanoramaClient(city.url, FAST) as client:
        assert len(listed(client, limit=limit)) == limit
    assert len(city.log) - before == pages


def test_metres_of_the_dutch_grid_are_asked_for_as_such(server: PanoramaServer, client: PanoramaClient) -> None:
    server.passes_over = {"near"}

    assert listed(client, near="121000,487000", radius_meters=50, srid=28992) == IDS
    query = server.log[0].query
    assert (query["near"], query["radius"], query["srid"]) == (["121000,487000"], ["50"], ["28992"])


def test_a_panorama_that_slides_to_the_next_page_is_given_once(server: PanoramaServer, client: PanoramaClient) -> None:
    found = client.selected(PanoramaFilters())
    first = list(itertools.islice(found, 2))
    entries = server.panoramas
    server.panoramas = {"new": panorama("new"), **entries}

    assert [one.pano_id for _, one in (*first, *found)] == IDS
