"""Which of the addresses that an answer names may be asked. Pure.

An answer must not lead to another service of the network that the asking machine is in, nor away from encryption.
"""

import ipaddress
from urllib.parse import SplitResult, urljoin, urlsplit

from baas_crds.errors import ConfigurationError

_FEWEST_PARTS = 3


def checked(link: str, *, base: str, at: str | None = None) -> str:
    """Return the whole address of a link when it may be asked. Raises `ConfigurationError`.

    A link without a host counts from `at`, the address of the answer that names it; None: from the API's own.

    It may be on the API's own host and port; and, encrypted, on hosts beside it, as pictures of
    `api.data.amsterdam.nl` are on `t1.data.amsterdam.nl`: below a domain of three parts or more that is no cluster's.
    """
    url = _joined(at or base, link)
    there, home = urlsplit(url), urlsplit(base)
    if there.username is None and there.password is None and there.scheme == home.scheme and there.hostname:
        if there.netloc.lower() == home.netloc.lower():
            return url
        if home.scheme == "https" and there.port in {None, 443} and _is_beside(there.hostname, home.hostname or ""):
            return url
    raise ConfigurationError(
        f"The Panorama API leads to {_shown(there)}, which is neither its own host ({_shown(home)}) nor, with "
        "https://, one beside it: this is not followed."
    )


def checked_page(link: str, *, base: str) -> str:
    """Return the whole address of a further page, which is where the first one is. Raises `ConfigurationError`."""
    url = _joined(base, link)
    there, home = urlsplit(url), urlsplit(base)
    if there[:2] != home[:2] or there.path.rstrip("/") != home.path.rstrip("/"):
        raise ConfigurationError(f"The Panorama API's pages lead to {url}, which is not one more page of it.")
    return url


def _joined(base: str, link: str) -> str:
    try:
        url = urljoin(base, link)
        _ = urlsplit(url).port  # is read only now, and may be none
    except ValueError as error:
        raise ConfigurationError(f"The Panorama API leads to {link!r}, which is no address.") from error
    return url


def _is_beside(host: str, home: str) -> bool:
    """Whether a host has a name below the domain that the API's host is in, when that is somebody's alone.

    Of two parts it may be a country's, such as `co.uk`; with `svc` in it, it is a cluster's (`baas.svc.cluster.local`).
    """
    _, *domain = home.removesuffix(".").split(".")
    if len(domain) < _FEWEST_PARTS or "svc" in domain or _is_number(home):
        return False
    return host.endswith(f".{'.'.join(domain)}")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _shown(parts: SplitResult) -> str:
    """The address without what may be secret in it."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
