"""How bytes are told apart in ledgers, metadata and reports."""

import hashlib

from baas_preprocess.facts import Digest


def digest_of(data: bytes) -> Digest:
    """`sha256:…` of bytes."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())
