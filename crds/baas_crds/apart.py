"""Whether two places lie outside of each other, for the API server and for Python."""

from typing import Protocol

from baas_crds.places import AzureBlob, Volume


class Place(Protocol):
    """A folder of a container or of a volume; what is neither lies outside of both."""

    @property
    def azure_blob(self) -> AzureBlob | None:
        """A folder of a Blob container."""

    @property
    def volume(self) -> Volume | None:
        """A folder of a volume."""


def nested(one: str, other: str) -> str:
    """Return the CEL text for: one folder is the other, or lies in it."""
    return (
        f"({one} == '' || {other} == '' || ({one} + '/').startsWith({other} + '/') "
        f"|| ({other} + '/').startsWith({one} + '/'))"
    )


def blobs_apart(one: str, other: str, *, behind: str = "") -> str:
    """Return the CEL text for: two places are not both in one container, or their folders lie outside of each other.

    `one` and `other` are the paths of the places, such as `self.source`; `behind` is put behind the first's folder.
    """
    return (
        f"(!has({one}.azureBlob) || !has({other}.azureBlob) "
        f"|| {one}.azureBlob.accountUrl != {other}.azureBlob.accountUrl "
        f"|| {one}.azureBlob.container != {other}.azureBlob.container "
        f"|| !{nested(_with(f'{one}.azureBlob.prefix', behind), f'{other}.azureBlob.prefix')})"
    )


def volumes_apart(one: str, other: str, *, behind: str = "") -> str:
    """Return the same of two places in one claim."""
    return (
        f"(!has({one}.volume) || !has({other}.volume) "
        f"|| {one}.volume.claimName != {other}.volume.claimName "
        f"|| !{nested(_with(f'{one}.volume.path', behind), f'{other}.volume.path')})"
    )


def apart(one: str, other: str, *, behind: str = "") -> str:
    """Return the CEL text for: two places lie outside of each other, whatever they are."""
    return f"{blobs_apart(one, other, behind=behind)} && {volumes_apart(one, other, behind=behind)}"


def are_apart(one: Place, other: Place) -> bool:
    """Whether two places lie outside of each other."""
    return are_blobs_apart(one, other) and are_volumes_apart(one, other)


def are_blobs_apart(one: Place, other: Place) -> bool:
    """Whether two places are not both in one container, or their folders lie outside of each other."""
    first, second = one.azure_blob, other.azure_blob
    return (
        first is None
        or second is None
        or (first.account_url, first.container) != (second.account_url, second.container)
        or not _are_nested(first.prefix, second.prefix)
    )


def are_volumes_apart(one: Place, other: Place) -> bool:
    """Whether the same holds of two places in one claim."""
    first, second = one.volume, other.volume
    return (
        first is None
        or second is None
        or first.claim_name != second.claim_name
        or not _are_nested(first.path, second.path)
    )


def _with(folder: str, behind: str) -> str:
    return f"({folder} + '{behind}')" if behind else folder


def _are_nested(one: str, other: str) -> bool:
    return not one or not other or f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
