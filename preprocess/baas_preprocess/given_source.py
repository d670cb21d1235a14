"""The source of a command, as people name it: folders, files and patterns, or panoramas of the Panorama API."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from baas_crds.errors import ConfigurationError
from baas_panoramas.address import is_address, read_address
from baas_preprocess.facts import DeleteSource
from baas_preprocess.settings import Settings
from baas_preprocess.stores.files import FileSource
from baas_preprocess.stores.panoramas import PanoramaSource, open_panoramas


@contextmanager
def open_given(places: Sequence[str], settings: Settings) -> Iterator[FileSource | PanoramaSource]:
    """Give the source. Raises `ConfigurationError` when it is none, or several that cannot be one."""
    if not any(map(is_address, places)):
        yield FileSource(places)
        return
    if len(places) > 1:
        raise ConfigurationError(f"SOURCE {', '.join(places)}: panoramas of the API are a source alone; run twice.")
    if settings.delete_source is not DeleteSource.NEVER:
        raise ConfigurationError("--delete-source is not possible with the Panorama API, which cannot delete.")
    with open_panoramas(read_address(places[0]), patience_seconds=settings.patience_seconds) as source:
        yield source
