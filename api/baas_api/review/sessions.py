"""Who is at the review page: a token in a header, or a cookie that was made of one. Nothing is kept here.

The cookie is the time at which it ends and a digest of that, keyed with the token: it tells no token, and is worth
nothing once the token is withdrawn.
"""

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256

from fastapi import Response

from baas_api.refusals import Refusal, Refused
from baas_api.tokens import Tokens, may_ask, valid_now

COOKIE = "__Host-baas-review"
"""Browsers keep a cookie of such a name only when it is `Secure` and of this host alone."""
SECONDS = 12 * 3600
"""How long somebody stays signed in."""
NOBODY = ""
"""The reviewer where anonymous clients are allowed."""


def sign_in(response: Response, token: str, *, now: float | None = None) -> None:
    """Have a browser keep a session of whoever showed this token."""
    ends = int(time.time() if now is None else now) + SECONDS
    response.set_cookie(
        COOKIE,
        f"{ends}.{_digest(token, ends)}",
        max_age=SECONDS,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )


def sign_out(response: Response) -> None:
    """Have a browser forget the session."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def reviewer_of(
    tokens: Tokens | None, headers: Mapping[str, str], cookies: Mapping[str, str], *, now: float | None = None
) -> str | None:
    """Return the pseudonym of whoever sends a request, None of a stranger."""
    if tokens is None:
        return NOBODY
    kind, _, presented = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return pseudonym(presented) if may_ask(tokens, presented) else None
    ends, _, given = cookies.get(COOKIE, "").partition(".")
    if not (ends.isascii() and ends.isdecimal() and int(ends) > (time.time() if now is None else now)):
        return None
    valid = [token for token in valid_now(tokens) if hmac.compare_digest(_digest(token, int(ends)), given)]
    return pseudonym(valid[0]) if valid else None


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse to write for another site's page. Raises `Refused`.

    Browsers say where a request comes from, and no page can change that (https://www.w3.org/TR/fetch-metadata/). Who
    sends a token in a header is no browser that was tricked.
    """
    is_program = headers.get("authorization", "").lower().startswith("bearer ")
    if not is_program and headers.get("sec-fetch-site") != "same-origin":
        raise Refused(Refusal.FORBIDDEN, "This was not sent by the review page itself: open it anew, and use it there.")


def pseudonym(token: str) -> str:
    """Return what a token's reviewer is called in the ledger: eight hexadecimal digits, from which no token follows."""
    return sha256(f"reviewer {token}".encode(errors="replace")).hexdigest()[:8]


def _digest(token: str, ends: int) -> str:
    return hmac.new(token.encode(errors="replace"), f"review until {ends}".encode(), sha256).hexdigest()
