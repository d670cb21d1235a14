"""Every code a person or a program may meet: object classes, exit codes and the reasons of quarantine.

The same strings stand in the ledger, the status, metric labels and docs/reference.
"""

from enum import IntEnum, StrEnum


class ObjectClass(StrEnum):
    """What is redacted. The members stand in the order of the detector's class numbers."""

    PERSON = "person"
    LICENCE_PLATE = "licence_plate"


class ExitCode(IntEnum):
    """What a command of ours tells the shell, the Job controller and the operator."""

    DONE = 0
    """Every image was published (or left out on request)."""
    BUG = 1
    """Something we did not foresee; the trace is on stderr."""
    CONFIGURATION = 2
    """Wrong usage or configuration: no retry can repair it."""
    QUARANTINED = 3
    """Finished, but some images are quarantined: `baas status` lists them."""
    UNREACHABLE = 4
    """A service or a disk did not answer in time or went away: the same command again continues."""
    TAMPERED = 5
    """Audit records, ledger and outputs contradict each other: `baas audit verify` names where."""
    INTERRUPTED = 130
    """Stopped by a signal after work in flight was finished or released: the same command again continues."""


class QuarantineReason(StrEnum):
    """Why an image was not published. Each has its sentence in `explanation`."""

    UNREADABLE = "Unreadable"
    EMPTY = "Empty"
    NOT_AN_IMAGE = "NotAnImage"
    TRUNCATED = "Truncated"
    DAMAGED = "Damaged"
    TOO_LARGE = "TooLarge"
    UNSUPPORTED = "Unsupported"
    UNUSABLE_NAME = "UnusableName"
    TOO_MANY_OBJECTS = "TooManyObjects"
    DETECTOR_REFUSED = "DetectorRefused"
    VERIFICATION_FAILED = "VerificationFailed"
    STILL_VISIBLE = "StillVisible"
    TOO_MANY_ATTEMPTS = "TooManyAttempts"
    INTERNAL_ERROR = "InternalError"

    @property
    def explanation(self) -> str:
        """The meaning and the remedy, in one sentence for a person."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    QuarantineReason.UNREADABLE: "The file could not be read: check its permissions and the disk.",
    QuarantineReason.EMPTY: "The file has no bytes: copy it again from its source.",
    QuarantineReason.NOT_AN_IMAGE: "The content is not a JPEG, PNG or TIFF, whatever the name says.",
    QuarantineReason.TRUNCATED: "The picture ends before its last row: copy it again from its source.",
    QuarantineReason.DAMAGED: "The picture's data is damaged, so nobody can tell what a viewer would show.",
    QuarantineReason.TOO_LARGE: "The picture has more pixels than the limit (`--max-megapixels`).",
    QuarantineReason.UNSUPPORTED: "A kind of picture that cannot be redacted safely yet: convert it first.",
    QuarantineReason.UNUSABLE_NAME: (
        "No output can have this name: it is not valid UTF-8, too long, leads elsewhere, or a folder is in its place. "
        "Rename the file."
    ),
    QuarantineReason.TOO_MANY_OBJECTS: "The detector found more objects in one tile than it can return.",
    QuarantineReason.DETECTOR_REFUSED: "The detector's answer was not of the agreed form.",
    QuarantineReason.VERIFICATION_FAILED: "The finished file did not pass its checks; it was not published.",
    QuarantineReason.STILL_VISIBLE: (
        "Each look at the finished picture showed the detector one more person or plate beside what was redacted: look "
        "at the picture, and retry with more padding, or with a confidence that finds all of it at the first look."
    ),
    QuarantineReason.TOO_MANY_ATTEMPTS: "Every attempt ended without a result: the image may crash its worker.",
    QuarantineReason.INTERNAL_ERROR: "An unforeseen error: please report it with the message.",
}
