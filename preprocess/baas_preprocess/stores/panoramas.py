"""Pictures of the Panorama API as a source. A panorama's name is its id, with `.jpg` behind it."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from baas_crds.codes import QuarantineReason
from baas_crds.errors import ConfigurationError, NotPublishable
from baas_crds.places import PanoramaApi
from baas_panoramas.address import address_of
from baas_panoramas.asking import Manners
from baas_panoramas.client import PanoramaClient
from baas_panoramas.panorama import SUFFIX, Panorama
from baas_preprocess.measures import count_retry
from baas_preprocess.stores.places import Deletion, Entry

# An answer takes some ten milliseconds.
_QUESTIONS_AT_ONCE = 8


class PanoramaSource:
    """The panoramas of an API that filters select, in one size."""

    def __init__(self, client: PanoramaClient, place: PanoramaApi) -> None:
        """Ask `client`, which is of the API that `place` names."""
        self.label = address_of(place)
        self._client = client
        self._place = place

    def entries(self) -> Iterator[Entry]:
        """List page by page, and ask for each picture's size and tag, which make its version."""
        listed = (panorama for _, panorama in self._client.selected(self._place.filters))
        with ThreadPoolExecutor(_QUESTIONS_AT_ONCE, thread_name_prefix="panoramas") as pool:
            while some := list(itertools.islice(listed, _QUESTIONS_AT_ONCE)):
                yield from pool.map(self._entry, some)

    def read(self, name: str, version: str | None = None) -> bytes:
        """Return a picture's bytes. Raises `NotPublishable` when it is gone, refused, or not of this version."""
        panorama = self._client.panorama(name.removesuffix(SUFFIX)) if name.endswith(SUFFIX) else None
        if panorama is None:
            raise NotPublishable(QuarantineReason.UNREADABLE, f"{name}: the Panorama API knows it no more.")
        facts = self._client.facts(panorama, self._place.size)
        if version not in {None, facts.version}:
            raise NotPublishable(
                QuarantineReason.UNREADABLE,
                f"{name}: the Panorama API has another picture since it was listed: list it again, by the same command "
                "or a new BlurJob.",
            )
        return self._client.read_picture(panorama, self._place.size, facts)

    def delete(self, name: str, version: str) -> Deletion:
        """Raise `ConfigurationError`: the API gives pictures, and takes no orders."""
        raise ConfigurationError(f"{self.label}: the Panorama API cannot delete {name}: delete no originals.")

    def _entry(self, panorama: Panorama) -> Entry:
        try:
            facts = self._client.facts(panorama, self._place.size)
        except NotPublishable as problem:
            return Entry(name=panorama.name, version="", size_bytes=0, problem=problem)
        return Entry(name=panorama.name, version=facts.version, size_bytes=facts.size_bytes)


@contextmanager
def open_panoramas(place: PanoramaApi, *, patience_seconds: float) -> Iterator[PanoramaSource]:
    """Give the panoramas of a place as a source. An API that does not answer is asked again for so long."""
    manners = Manners(patience_seconds=patience_seconds, on_retry=lambda: count_retry("panorama-api"))
    with PanoramaClient(place.base_url, manners) as client:
        yield PanoramaSource(client, place)
