"""Who may ask: tokens from a file or the environment, compared in constant time."""

import hmac
import logging
import re
from collections.abc import Callable
from hashlib import sha256

from baas_api.settings import ApiSettings
from baas_crds.errors import ConfigurationError

logger = logging.getLogger(__name__)

# The characters of RFC 6750, section 2.1; so many that nobody guesses one.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,}")

Tokens = Callable[[], tuple[str, ...]]
"""Gives the tokens that are valid now."""


def tokens_of(settings: ApiSettings) -> Tokens | None:
    """Return what tells the valid tokens, or None where anonymous clients are allowed.

    Raises `ConfigurationError` when the file cannot be read, or a token is none. It tells no token.
    """
    if settings.allow_anonymous:
        return None
    fixed = () if settings.tokens is None else _checked(settings.tokens.get_secret_value(), "BAAS_API_TOKENS")
    file = settings.tokens_file

    def valid() -> tuple[str, ...]:
        if file is None:
            return fixed
        try:
            return fixed + _checked(file.read_text(encoding="ascii"), f"the file {file} (BAAS_API_TOKENS_FILE)")
        except (OSError, UnicodeDecodeError) as error:
            kind = error.strerror if isinstance(error, OSError) else "it is no ASCII text"
            raise ConfigurationError(f"The file {file} (BAAS_API_TOKENS_FILE) cannot be read: {kind}") from None

    valid()
    return valid


def may_ask(tokens: Tokens | None, presented: str | None) -> bool:
    """Whether a client that presents this token, or None, may ask. Nobody may while the tokens cannot be read."""
    if tokens is None:
        return True
    valid = valid_now(tokens)
    # Digests are as long as each other, and all are compared: the time tells nothing of any.
    given = sha256((presented or "").encode(errors="replace")).digest()
    return sum(hmac.compare_digest(given, sha256(one.encode()).digest()) for one in valid) > 0


def valid_now(tokens: Tokens) -> tuple[str, ...]:
    """Return the tokens that are valid now: none while they cannot be read."""
    try:
        return tokens()
    except ConfigurationError as error:
        logger.error("Nobody is let in: %s", error)
        return ()


def _checked(text: str, where: str) -> tuple[str, ...]:
    found = tuple(text.replace(",", " ").split())
    wrong = sum(not _TOKEN.fullmatch(one) for one in found)
    if wrong or not found:
        fault = f"{wrong} of {len(found)} tokens are none" if found else "There is no token"
        raise ConfigurationError(
            f"{fault} in {where}: write one a line, of at least 16 letters, digits and -._~+/= each, such as "
            "`openssl rand -hex 32` makes."
        )
    return found
