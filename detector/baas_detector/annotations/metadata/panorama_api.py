"""Amsterdam's Panorama API, or another server that answers like it. The only module that speaks HTTP.

`GET BASE/PANO_ID/` answers one panorama as JSON, `GET BASE/?…` a page of them with `_embedded.panoramas` and
`_links.next.href`. https://api.data.amsterdam.nl/panorama/panoramas/
"""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_detector.annotations.metadata.places import Known, Position

AMSTERDAM = "https://api.data.amsterdam.nl/panorama/panoramas/"
_AGAIN = (429, 500, 502, 503, 504)
_LONGEST_WAIT_SECONDS = 60
_TIMEOUT_SECONDS = (10, 30)


class PanoramaApi:
    """One connection to the API. What is worth it is asked again, with growing pauses or those the server asks for."""

    def __init__(self, base_url: str = AMSTERDAM, *, retries: int = 5, backoff_seconds: float = 0.5) -> None:
        if urlsplit(base_url).scheme not in {"http", "https"}:
            raise ConfigurationError(
                f"The Panorama API's address is {base_url!r}; it must begin with https:// or http://."
            )
        self._base = base_url.rstrip("/") + "/"
        again = Retry(
            total=retries,
            backoff_factor=backoff_seconds,
            backoff_max=_LONGEST_WAIT_SECONDS,
            backoff_jitter=backoff_seconds,
            retry_after_max=_LONGEST_WAIT_SECONDS,
            status_forcelist=_AGAIN,
            raise_on_status=False,
        )
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=again))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def panorama(self, pano_id: str) -> Known | None:
        """Return what it says of a panorama, None when it knows none of that id.

        Raises `DependencyUnavailable` when it does not answer after the retries, and `ConfigurationError` when it
        refuses or is no Panorama API.
        """
        url = urljoin(self._base, f"{quote(pano_id, safe='')}/")
        document = self._get(url)
        return None if document is None else _read(document, url)[1]

    def panoramas(self, query: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Known]]:
        """Give id and facts of all panoramas of a query, such as `timestamp_after`, page by page.

        Raises as `panorama`, and `ConfigurationError` when a page is none, leads to another server, or leads back.
        """
        url: str | None = self._base
        params: Sequence[tuple[str, str]] | None = query
        seen: set[str] = set()
        while url is not None:
            if url in seen or urlsplit(url)[:2] != urlsplit(self._base)[:2]:
                raise ConfigurationError(f"The Panorama API's pages lead to {url}, which is not one more page of it.")
            seen.add(url)
            page = self._get(url, params)
            if page is None:
                raise ConfigurationError(f"{url} has no list of panoramas (404): check the address.")
            try:
                listed = list(page["_embedded"]["panoramas"])
                link = page["_links"]["next"]["href"]
            except (KeyError, TypeError) as error:
                raise _unlike(url) from error
            yield from (_read(entry, url) for entry in listed)
            url, params = (None if link is None else urljoin(url, str(link))), None

    def _get(self, url: str, params: Sequence[tuple[str, str]] | None = None) -> Any | None:
        """Return the parsed answer, None for 404."""
        try:
            answer = self._session.get(url, params=params, timeout=_TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise DependencyUnavailable(f"The Panorama API does not answer at {url}: {error}") from error
        if answer.status_code == 404:
            return None
        if answer.status_code in _AGAIN:
            raise DependencyUnavailable(
                f"The Panorama API answers {answer.status_code} at {answer.url}, again and again: try later."
            )
        if not answer.ok:
            raise ConfigurationError(
                f"The Panorama API refuses {answer.url} with {answer.status_code} {answer.reason}."
            )
        try:
            return answer.json()
        except requests.JSONDecodeError as error:
            raise _unlike(url) from error


def _read(document: Any, url: str) -> tuple[str, Known]:
    try:
        longitude, latitude = document["geometry"]["coordinates"][:2]
        heading = document.get("heading")
        known = Known(
            position=Position(latitude=float(latitude), longitude=float(longitude)),
            timestamp=_text(document, "timestamp"),
            heading_deg=None if heading is None else float(heading),
            mission_year=_text(document, "mission_year"),
        )
        return str(document["pano_id"]), known
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unlike(url) from error


def _text(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    return None if value is None else str(value)


def _unlike(url: str) -> ConfigurationError:
    return ConfigurationError(
        f"What {url} answers is not what a Panorama API does (pano_id and geometry.coordinates in degrees): check the "
        "address."
    )
