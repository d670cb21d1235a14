"""Who is at the review page."""

import pytest
from fastapi import Response
from hypothesis import given
from hypothesis import strategies as st

from baas_api.review.sessions import COOKIE, NOBODY, SECONDS, pseudonym, reviewer_of, sign_in

TOKEN, OTHER = "0123456789abcdef", "fedcba9876543210"
NOW = 1_000_000.0


def cookie_of(token: str) -> str:
    response = Response()
    sign_in(response, token, now=NOW)
    return response.headers["set-cookie"].partition(";")[0].partition("=")[2]


def who(cookie: str, *tokens: str, now: float = NOW) -> str | None:
    return reviewer_of(lambda: tokens, {}, {COOKIE: cookie}, now=now)


def test_a_session_lasts_until_its_end_or_until_its_token_is_withdrawn() -> None:
    cookie = cookie_of(TOKEN)
    assert who(cookie, OTHER, TOKEN) == pseudonym(TOKEN)
    assert who(cookie, TOKEN, now=NOW + SECONDS - 1) == pseudonym(TOKEN)
    assert who(cookie, TOKEN, now=NOW + SECONDS) is None
    assert who(cookie, OTHER) is None
    assert who(cookie) is None


def test_a_longer_session_cannot_be_made_of_one() -> None:
    ends, _, digest = cookie_of(TOKEN).partition(".")
    assert who(f"{int(ends) + 1}.{digest}", TOKEN) is None


@given(st.text())
def test_whatever_else_a_cookie_says_is_a_stranger(text: str) -> None:
    assert who(text, TOKEN) is None


@pytest.mark.parametrize(("header", "expected"), [(f"Bearer {TOKEN}", pseudonym(TOKEN)), (f"Bearer {OTHER}", None)])
def test_a_token_in_a_header_counts_before_a_cookie(header: str, expected: str | None) -> None:
    headers = {"authorization": header}
    assert reviewer_of(lambda: (TOKEN,), headers, {COOKIE: cookie_of(TOKEN)}, now=NOW) == expected


def test_where_anybody_may_ask_nobody_has_a_pseudonym() -> None:
    assert reviewer_of(None, {}, {}) == NOBODY
    assert pseudonym(TOKEN) != pseudonym(OTHER)
