"""How the readers say no."""

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable


class Malformed(Exception):
    """A block of metadata that does not follow its format. It is left out of the finished file; the picture goes on."""


def damaged(found: str) -> NotPublishable:
    """The file's structure contradicts its format."""
    return NotPublishable(QuarantineReason.DAMAGED, f"The picture's data is damaged: {found}.")


def truncated(found: str) -> NotPublishable:
    """The file ends too early."""
    return NotPublishable(
        QuarantineReason.TRUNCATED, f"The file is incomplete: {found}. Copy it again from its source."
    )


def unsupported(found: str, remedy: str = "Convert it to an ordinary 8-bit JPEG, PNG or TIFF first") -> NotPublishable:
    """A valid file of a kind that cannot be redacted safely yet."""
    return NotPublishable(QuarantineReason.UNSUPPORTED, f"This kind of picture is not supported: {found}. {remedy}.")
