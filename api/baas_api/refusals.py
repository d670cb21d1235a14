"""Why a request gets no picture: a code, its HTTP status and a sentence. The only place that knows which is which."""

from enum import StrEnum

from pydantic import BaseModel, Field

from baas_crds.codes import QuarantineReason
from baas_crds.errors import BaasError, NotPublishable


class Refusal(StrEnum):
    """Why a request was not answered with a picture, besides what quarantine knows (`QuarantineReason`)."""

    WRONG_REQUEST = "WrongRequest"
    UNAUTHORIZED = "Unauthorized"
    FORBIDDEN = "Forbidden"
    NOT_FOUND = "NotFound"
    NOT_AS_PUBLISHED = "NotAsPublished"
    TOO_SLOW = "TooSlow"
    TOO_MANY_BYTES = "TooManyBytes"
    WRONG_CONTENT_TYPE = "WrongContentType"
    BUSY = "Busy"
    CLIENT_GONE = "ClientGone"
    DETECTOR_AWAY = "DetectorAway"
    PLACE_AWAY = "PlaceAway"
    TIMED_OUT = "TimedOut"


_STATUS = {
    Refusal.WRONG_REQUEST: 400,
    Refusal.UNAUTHORIZED: 401,
    Refusal.FORBIDDEN: 403,
    Refusal.NOT_FOUND: 404,
    Refusal.TOO_SLOW: 408,
    Refusal.NOT_AS_PUBLISHED: 409,
    Refusal.TOO_MANY_BYTES: 413,
    Refusal.WRONG_CONTENT_TYPE: 415,
    Refusal.BUSY: 429,
    Refusal.CLIENT_GONE: 499,  # for the log: nobody is there to read it
    Refusal.DETECTOR_AWAY: 503,
    Refusal.PLACE_AWAY: 503,
    Refusal.TIMED_OUT: 504,
    QuarantineReason.INTERNAL_ERROR: 500,
}
_UNPROCESSABLE = 422
# Seconds after which it is worth trying again: the detector is looked at that often.
_RETRY_AFTER = {Refusal.BUSY: 5, Refusal.DETECTOR_AWAY: 5, Refusal.PLACE_AWAY: 5}


class Problem(BaseModel):
    """What is answered instead of a picture."""

    error: str = Field(description="What is wrong and what to do, in a sentence or two.")
    reason: str = Field(description="A code for programs, such as `Truncated`.")


class Refused(Exception):
    """A request that is answered with a `Problem`."""

    def __init__(self, reason: Refusal | QuarantineReason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.status = _STATUS.get(reason, _UNPROCESSABLE)

    @property
    def headers(self) -> dict[str, str]:
        """What HTTP asks for beside the status."""
        if self.reason is Refusal.UNAUTHORIZED:
            return {"WWW-Authenticate": "Bearer"}
        seconds = _RETRY_AFTER.get(self.reason) if isinstance(self.reason, Refusal) else None
        return {} if seconds is None else {"Retry-After": str(seconds)}


def refused(error: BaasError) -> Refused:
    """Return the refusal for an error of the pipeline: this picture's fault, or else the detector's."""
    if isinstance(error, NotPublishable):
        return Refused(error.reason, str(error))
    return Refused(Refusal.DETECTOR_AWAY, f"The detector cannot be asked: {error}")
