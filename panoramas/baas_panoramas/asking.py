"""How the API is asked: politely, patiently, and never for more than fits. The only module that speaks HTTP.

What passes (429, 5xx, silence, connections that are cut) is asked again, with random pauses that grow, or those that
the server wants. Addresses come from here alone: redirects are followed like links, that is to the same kind of place.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from typing import Any, TypeVar

import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_panoramas.links import checked
from baas_panoramas.panorama import unlike
from baas_panoramas.query import Query

T = TypeVar("T")

LONGEST_PAUSE_SECONDS = 60
LONGEST_ANSWER_SECONDS = 600
"""What comes drop by drop is cut then, and goes on like what others cut."""
MOST_JSON_BYTES = 16 << 20
CHUNK_BYTES = 1 << 16
AT_ONCE = 16
"""So many connections are kept."""
_AGAIN = frozenset({408, 425, 429})
"""And what is the server's own fault."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_TIMEOUTS_SECONDS = (10, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How to ask."""

    retries: int = 5
    """So often is asked again, unless a time is given."""
    patience_seconds: float | None = None
    """For so long is asked again; None: the number of retries counts."""
    backoff_seconds: float = 0.5
    """The first pause is up to so long, each further one up to twice as long as the one before."""
    per_second: float = 20.0
    """At most so many questions a second, all threads together."""
    on_retry: Callable[[], None] = lambda: None
    """Called before each pause."""


class Passing(DependencyUnavailable):
    """Something that may be well when it is asked again."""

    def __init__(self, message: str, *, pause_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds
        """How long the server wants to be left alone."""


class Refused(ConfigurationError):
    """An address that is not given to us, however often we ask."""


class Asking:
    """Connections to an API and to the hosts beside it; threads may share it."""

    def __init__(self, base: str, manners: Manners) -> None:
        """Nothing is sent yet."""
        self._base = base
        self._manners = manners
        self._pace = _Pace(manners.per_second)
        self._session = _Session()
        self._session.headers["User-Agent"] = f"blurring-as-a-service/{version('blurring-as-a-service')}"
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=AT_ONCE, max_retries=0))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def patiently(self, once: Callable[[], T]) -> T:
        """Do something again while it raises `Passing`; then it is what a `DependencyUnavailable` is."""
        manners = self._manners
        stop = (
            tenacity.stop_after_attempt(manners.retries + 1)
            if manners.patience_seconds is None
            else tenacity.stop_after_delay(manners.patience_seconds)
        )
        wait = tenacity.wait_random_exponential(multiplier=manners.backoff_seconds, max=LONGEST_PAUSE_SECONDS)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_worth_waiting),
            wait=lambda state: max(wait(state), _wanted_pause(state)),
            stop=stop,
            before_sleep=lambda _: manners.on_retry(),
            reraise=True,
        )
        return retrying(once)

    def document(self, url: str, query: Query = ()) -> Any | None:
        """Return the parsed answer, None when there is nothing at this address.

        Raises `DependencyUnavailable` when there is no answer after the retries, and `ConfigurationError` when the API
        refuses, leads elsewhere, or answers no JSON.
        """
        return self.patiently(lambda: self._document(url, query))

    def _document(self, url: str, query: Query) -> Any | None:
        with self.answer("GET", url, query=query, headers={"Accept": "application/json"}) as answer:
            if answer is None:
                return None
            text = b"".join(limited(answer, MOST_JSON_BYTES, url))
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise unlike(url, "it is no JSON") from error

    @contextmanager
    def answer(
        self, method: str, url: str, *, query: Query = (), headers: Mapping[str, str]
    ) -> Iterator[requests.Response | None]:
        """Ask once and give the answer with its body unread, None when there is nothing at this address.

        Raises `Passing`, `Refused`, and `ConfigurationError` when the API leads elsewhere.
        """
        with contextlib.ExitStack() as stack, _connection(url):
            for _ in range(_MOST_REDIRECTS + 1):
                self._pace.wait()
                got = stack.enter_context(
                    self._session.request(
                        method,
                        url,
                        params=list(query),
                        headers=dict(headers),
                        timeout=_TIMEOUTS_SECONDS,
                        allow_redirects=False,
                        stream=True,
                    )
                )
                if got.status_code not in _REDIRECTS:
                    yield _accepted(got, url)
                    return
                url, query = checked(got.headers.get("Location", ""), base=self._base, at=url), ()
        raise ConfigurationError(f"The Panorama API leads on and on, at last to {url}: check the address.")


class _Session(requests.Session):
    """Leaves redirects to us altogether: it would read their addresses even when it is not to follow them."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Say that there is none."""
        return None


class _Pace:
    """Gives turns, so many a second."""

    def __init__(self, per_second: float) -> None:
        self._seconds = 1 / per_second
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._seconds
        time.sleep(max(0.0, turn - time.monotonic()))


def limited(answer: requests.Response, most_bytes: int, url: str) -> Iterator[bytes]:
    """Give a body piece by piece, as it comes.

    Raises `ConfigurationError` when it is longer than may be, and `Passing` when it takes longer.
    """
    size, end, is_late = 0, time.monotonic() + LONGEST_ANSWER_SECONDS, False
    while piece := answer.raw.read1(CHUNK_BYTES, decode_content=True):
        if is_late:
            raise Passing(f"{url} answers for more than {LONGEST_ANSWER_SECONDS:,} s: try later.")
        size += len(piece)
        if size > most_bytes:
            raise ConfigurationError(f"What {url} answers has more than {most_bytes:,} bytes: check the address.")
        yield piece
        is_late = time.monotonic() > end


@contextmanager
def _connection(url: str) -> Iterator[None]:
    """Turn what goes wrong on the way into `Passing`."""
    try:
        yield
    # No other `OSError`: that is a file's to which an answer is written.
    except (requests.RequestException, HTTPError) as error:
        raise Passing(f"The Panorama API does not answer at {url} ({type(error).__name__}): try later.") from error


def _accepted(answer: requests.Response, url: str) -> requests.Response | None:
    status = answer.status_code
    if status in {404, 410}:
        return None
    if status in _AGAIN or status >= requests.codes.server_error:
        pause = _pause_seconds(answer)
        how = f"and wants to be left alone for {pause:.0f} s" if pause else "again and again"
        raise Passing(f"The Panorama API answers {status} at {url}, {how}: try later.", pause_seconds=pause)
    if not answer.ok:
        raise Refused(f"The Panorama API refuses {url} with {status} {answer.reason}.")
    return answer


def _pause_seconds(answer: requests.Response) -> float:
    """Return what `Retry-After` says (RFC 9110, section 10.2.3): seconds, or a date."""
    try:
        return max(0.0, Retry().parse_retry_after(answer.headers.get("Retry-After", "0")))
    except (InvalidHeader, ValueError):  # such as a year of five digits
        return 0.0


def _is_worth_waiting(error: BaseException) -> bool:
    return isinstance(error, Passing) and error.pause_seconds <= LONGEST_PAUSE_SECONDS


def _wanted_pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome and state.outcome.exception()
    return error.pause_seconds if isinstance(error, Passing) else 0.0
