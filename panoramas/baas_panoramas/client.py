"""The Panorama API's client: lists page by page, single panoramas, what is near them, and pictures.

`GET BASE/?…` answers a page with `_embedded.panoramas` and `_links.next.href`, `GET BASE/ID/` one panorama, and
`GET BASE/ID/adjacencies/` what is near it. Pictures lie where a panorama's `_links` say.
"""

import io
from collections.abc import Iterator
from types import TracebackType
from typing import Self
from urllib.parse import quote, urljoin, urlsplit

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_crds.places import PanoramaApi, PanoramaFilters, PanoramaSize
from baas_panoramas.asking import Asking, Manners
from baas_panoramas.links import checked, checked_page
from baas_panoramas.panorama import Adjacency, Page, Panorama, Surroundings, read
from baas_panoramas.pictures import PictureFacts, copy, facts_of
from baas_panoramas.query import Query, fits, query_of

AMSTERDAM: str = PanoramaApi.model_fields["base_url"].default


class PanoramaClient:
    """One API; threads may share it. Use it as a context manager.

    All calls raise `DependencyUnavailable` when there is no answer after the retries, and `ConfigurationError` when the
    API refuses, is none, or leads elsewhere.
    """

    def __init__(self, base_url: str = AMSTERDAM, manners: Manners | None = None) -> None:
        """Take the address of the list. Nothing is sent yet. Raises `ConfigurationError` when it is no address."""
        if urlsplit(base_url).scheme not in {"http", "https"} or not urlsplit(base_url).hostname:
            raise ConfigurationError(
                f"The Panorama API's address is {base_url!r}; it must begin with https:// or http://."
            )
        self.base = base_url.rstrip("/") + "/"
        self._asking = Asking(self.base, manners or Manners())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asking.close()

    def panorama(self, pano_id: str) -> Panorama | None:
        """Return one panorama, None when the API knows none of that id."""
        url = urljoin(self.base, f"{quote(pano_id, safe='')}/")
        document = self._asking.document(url)
        return None if document is None else read(Panorama, document, url)

    def adjacencies(self, pano_id: str) -> tuple[Adjacency, ...]:
        """Return what is near a panorama, without itself."""
        url = urljoin(self.base, f"{quote(pano_id, safe='')}/adjacencies/")
        document = self._asking.document(url)
        if document is None:
            raise ConfigurationError(f"The Panorama API at {self.base} knows no panorama {pano_id!r}: check its id.")
        near = read(Surroundings, document, url).embedded.adjacencies
        return tuple(one for one in near if one.pano_id != pano_id)

    def pages(self, query: Query, *, first: str | None = None) -> Iterator[tuple[str, Page]]:
        """Give each page of a list with its address; with a `first` one, go on there.

        Raises `ConfigurationError` also when a page leads to another server, or back.
        """
        url = self.base if first is None else checked_page(first, base=self.base)
        asked, seen = query if first is None else (), set[str]()
        while True:
            seen.add(url)
            document = self._asking.document(url, asked)
            if document is None:
                raise ConfigurationError(f"{url} has no list of panoramas (404): check the address.")
            page = read(Page, document, url)
            yield url, page
            if page.following is None:
                return
            url, asked = checked_page(page.following, base=self.base), ()
            if url in seen:
                raise ConfigurationError(f"The Panorama API's pages lead to {url}, which is not one more page of it.")

    def selected(self, filters: PanoramaFilters, *, first: str | None = None) -> Iterator[tuple[str, Panorama]]:
        """Give the panoramas that fit, each once, with the address of the page that it is on.

        While a list is read it may change: what slides to a page that was read before is missed, and what slides to a
        later one is not given again.
        """
        given: set[str] = set()
        for url, page in self.pages(query_of(filters), first=first):
            for panorama in page.panoramas:
                if panorama.pano_id in given or not fits(panorama, filters):
                    continue
                given.add(panorama.pano_id)
                yield url, panorama
                if len(given) == filters.limit:
                    return

    def facts(self, panorama: Panorama, size: PanoramaSize) -> PictureFacts:
        """Return what there is to know of a picture without reading it.

        Raises `NotPublishable` when this panorama has no such picture, or when it is refused.
        """
        url = self._picture(panorama, size)
        found = self._asking.patiently(lambda: facts_of(self._asking, url))
        if found is None:
            raise NotPublishable(QuarantineReason.UNREADABLE, f"{panorama.name}: there is no picture at {url}.")
        return found

    def copy_picture(
        self, panorama: Panorama, size: PanoramaSize, facts: PictureFacts, sink: io.BufferedIOBase
    ) -> None:
        """Write a picture behind what a file has of it already, and all of it when that is worth nothing.

        Connections that are cut go on where they were. Raises `NotPublishable` when the picture is another one than
        the facts say, or is refused.
        """
        url = self._picture(panorama, size)
        self._asking.patiently(lambda: copy(self._asking, url, facts, sink))

    def read_picture(self, panorama: Panorama, size: PanoramaSize, facts: PictureFacts) -> bytes:
        """Return a picture's bytes. Raises as `copy_picture`."""
        sink = io.BytesIO()
        self.copy_picture(panorama, size, facts, sink)
        return sink.getvalue()

    def _picture(self, panorama: Panorama, size: PanoramaSize) -> str:
        link = panorama.picture(size)
        if link is None:
            message = f"{panorama.name}: the Panorama API names no equirectangular picture of the size {size.lower()}."
            raise NotPublishable(QuarantineReason.UNREADABLE, message)
        return checked(link, base=self.base)
