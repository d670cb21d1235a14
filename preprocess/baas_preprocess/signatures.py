"""Ed25519 signatures of audit records (RFC 8032). `cryptography` does it, which Azure's library brings anyway."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from baas_crds.errors import ConfigurationError
from baas_ledger.audit import Signer

Checker: TypeAlias = Callable[[str, str], bool]
"""Whether a digest's text has this signature."""

_HOW = "make one with `openssl genpkey -algorithm ed25519 -out audit.pem`"


def signer_of(file: Path | None) -> Signer | None:
    """Read a private key (PEM, PKCS 8, without a password) and return what signs with it; nothing without a file.

    Raises `ConfigurationError` when the file holds no such key.
    """
    if file is None:
        return None
    try:
        key = load_pem_private_key(_read(file), password=None)
    except (ValueError, TypeError) as error:  # TypeError: it has a password
        raise ConfigurationError(f"{file} holds no unencrypted private key in PEM: {_HOW}.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{file} holds another kind of key than Ed25519: {_HOW}.")
    return lambda digest: base64.b64encode(key.sign(digest.encode())).decode()


def checker_of(file: Path) -> Checker:
    """Read a public key (PEM) and return what checks with it. Raises `ConfigurationError` when there is none."""
    how = "`openssl pkey -in audit.pem -pubout -out audit.pub` gives one"
    try:
        key = load_pem_public_key(_read(file))
    except ValueError as error:
        raise ConfigurationError(f"{file} holds no public key in PEM: {how}.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"{file} holds another kind of key than Ed25519: {how}.")

    def is_signed(digest: str, signature: str) -> bool:
        try:
            key.verify(base64.b64decode(signature, validate=True), digest.encode())
        except (InvalidSignature, ValueError):
            return False
        return True

    return is_signed


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The key {file} cannot be read: {error.strerror}.") from error
