"""Panoramas as people write them, links that may be followed, and where people look at a panorama."""

import string
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.errors import ConfigurationError
from baas_crds.places import PanoramaApi, PanoramaFilters, PanoramaSize, SurfaceType
from baas_panoramas.address import address_of, is_address, read_address
from baas_panoramas.client import AMSTERDAM
from baas_panoramas.links import checked, checked_page
from baas_panoramas.viewer import AMSTERDAM as VIEWER
from baas_panoramas.viewer import checked_viewer, viewer_link, viewer_of

WORDS = st.text(string.ascii_letters + string.digits + " &=#%?+/é-", min_size=1, max_size=20)
DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1))


@st.composite
def places(draw: st.DrawFn) -> PanoramaApi:
    wishes: dict[str, Any] = {}
    if draw(st.booleans()):
        wishes |= {"near": "4.8952,52.3702", "radius_meters": draw(st.integers(1, 100_000)), "srid": 4326}
    if draw(st.booleans()):
        day = draw(DAYS)
        wishes |= {"timestamp_after": day.isoformat(), "timestamp_before": (day + timedelta(1)).isoformat()}
    wishes |= {
        "tags": tuple(sorted(draw(st.sets(WORDS, max_size=3)))),
        "mission_year": draw(st.none() | st.integers(2000, 2100)),
        "mission_type": draw(st.none() | WORDS),
        "surface_type": draw(st.none() | st.sampled_from(SurfaceType)),
        "limit": draw(st.none() | st.integers(1, 10_000_000)),
    }
    base_url = draw(st.sampled_from([AMSTERDAM, "http://127.0.0.1:8000/panoramas", "https://panoramas.example.org"]))
    size = draw(st.sampled_from(PanoramaSize))
    return PanoramaApi(base_url=base_url, size=size, filters=PanoramaFilters(**wishes))


@given(places())
def test_an_address_says_all_of_a_place(place: PanoramaApi) -> None:
    assert read_address(address_of(place)) == place


def test_a_short_address_means_the_city_s_api_and_whole_pictures() -> None:
    place = read_address("panorama-api:?tags=mission-bi&mission_year=2026&limit=100")

    assert place == PanoramaApi(filters=PanoramaFilters(tags=("mission-bi",), mission_year=2026, limit=100))
    assert read_address("panorama-api:") == PanoramaApi()
    assert address_of(place) == f"panorama-api:{AMSTERDAM}?tags=mission-bi&mission_year=2026&limit=100&size=full"


def test_the_order_of_filters_and_tags_makes_no_other_place() -> None:
    one = read_address("panorama-api:?tags=b,a&limit=3&size=small&surface_type=L")
    other = read_address(
        "panorama-api:https://api.data.amsterdam.nl/panorama/panoramas/?surface_type=land&size=Small&limit=3&tags=a&tags=b"
    )

    assert address_of(one) == address_of(other)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("panorama-api:?year=2026", "there is no filter year; known are near, radius, srid"),
        ("panorama-api:?near=4.9,52.4", "near and radius belong together"),
        ("panorama-api:?near=Dam&radius=5", "near is longitude,latitude such as"),
        ("panorama-api:?timestamp_after=31-1-2026", "timestamp_after is a date such as 2026-01-31"),
        ("panorama-api:?timestamp_after=2026-02-01&timestamp_before=2026-01-01", "timestamp_after must lie before"),
        ("panorama-api:?mission_year=MMXXVI", "mission_year: Input should be a valid integer"),
        ("panorama-api:?srid=3857", "srid: Input should be 4326 or 28992"),
        ("panorama-api:?surface_type=air", "surface_type: Input should be 'Land' or 'Water'"),
        ("panorama-api:?size=huge", "size: Input should be 'Full', 'Medium' or 'Small'"),
        ("panorama-api:?limit=0", "limit: Input should be greater than or equal to 1"),
        ("panorama-api:?limit=", "limit is empty"),
        ("panorama-api:?limit=1&limit=2", "limit is given twice"),
        ("panorama-api:http://api.example.org/panoramas", "use https://"),
        ("panorama-api:api.example.org", "baseUrl is the address of the panoramas alone"),
        ("panorama-api:https://user:secret@api.example.org/", "baseUrl is the address of the panoramas alone"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(address: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        read_address(address)
    assert sentence in str(wrong.value)


def test_a_folder_is_no_address() -> None:
    assert is_address("panorama-api:")
    assert not any(map(is_address, ["panoramas/", "panorama-api", "./panorama-api:?limit=1"]))


@pytest.mark.parametrize(
    "link",
    [
        f"{AMSTERDAM}/x/",
        "https://t1.data.amsterdam.nl/panorama/2026/x.jpg",
        "https://T1.DATA.amsterdam.nl:443/x.jpg",
        "https://a.b.data.amsterdam.nl/x.jpg",
        "/panorama/x",
        "x",
    ],
)
def test_links_to_the_api_s_host_and_those_beside_it_are_followed(link: str) -> None:
    assert checked(link, base=f"{AMSTERDAM}/").startswith("https://")


@pytest.mark.parametrize(
    "link",
    [
        "http://api.data.amsterdam.nl/x",
        "http://t1.data.amsterdam.nl/x.jpg",
        "https://t1.data.amsterdam.nl:8443/x.jpg",
        "https://data.amsterdam.nl.example.org/x.jpg",
        "https://evildata.amsterdam.nl/x.jpg",
        "https://data.amsterdam.nl/x.jpg",
        "https://amsterdam.nl/x.jpg",
        "https://user@t1.data.amsterdam.nl/x.jpg",
        "https://169.254.169.254/metadata",
        "//127.0.0.1/x",
        "file:///etc/passwd",
        "https://t1.data.amsterdam.nl:port/x.jpg",
    ],
)
def test_links_elsewhere_are_not_followed(link: str) -> None:
    with pytest.raises(ConfigurationError, match="The Panorama API leads to"):
        checked(link, base=f"{AMSTERDAM}/")


@pytest.mark.parametrize(
    ("base", "link"),
    [
        ("https://example.org/panoramas/", "https://t1.example.org/x"),
        ("https://api.org/panoramas/", "https://other.org/x"),
        ("https://10.0.0.1/panoramas/", "https://10.0.0.0.1/x"),
        ("http://panoramas.city.svc/", "http://secrets.city.svc/x"),
        ("http://127.0.0.1:8000/panoramas/", "http://127.0.0.1:9000/x"),
    ],
)
def test_what_is_beside_is_never_a_whole_country_nor_a_cluster(base: str, link: str) -> None:
    with pytest.raises(ConfigurationError, match="The Panorama API leads to"):
        checked(link, base=base)


def test_a_refused_link_shows_no_password() -> None:
    with pytest.raises(ConfigurationError) as refused:
        checked("https://user:secret@elsewhere.example/x?key=secret", base=AMSTERDAM)
    assert "secret" not in str(refused.value)


def test_pages_are_where_the_first_one_is() -> None:
    assert checked_page("?page=2", base=f"{AMSTERDAM}/") == f"{AMSTERDAM}/?page=2"
    for elsewhere in ("https://t1.data.amsterdam.nl/panorama/panoramas/?page=2", "../?page=2", "https://[/"):
        with pytest.raises(ConfigurationError):
            checked_page(elsewhere, base=f"{AMSTERDAM}/")


def test_the_viewer_shows_the_panorama_of_an_id() -> None:
    assert viewer_link("TMX1_pano_1", VIEWER) == "https://data.amsterdam.nl/data/panorama/TMX1_pano_1/"
    source = address_of(PanoramaApi())
    assert viewer_of(source, "TMX1_pano_1.jpg", VIEWER) == "https://data.amsterdam.nl/data/panorama/TMX1_pano_1/"
    assert viewer_of(source, 'a"b/../?.jpg', VIEWER) == "https://data.amsterdam.nl/data/panorama/a%22b%2F..%2F%3F/"
    assert viewer_of("/data/raw", "TMX1_pano_1.jpg", VIEWER) is None


@pytest.mark.parametrize(
    "address", ["http://a/{pano_id}", "https://a/", "javascript:{pano_id}", "https://a/\n{pano_id}"]
)
def test_what_is_no_viewer_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="viewer"):
        checked_viewer(address)
