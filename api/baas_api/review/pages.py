"""The HTML pages, and the files that they load: all from this host, none from another one."""

import base64
import json
import mimetypes
from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from baas_api.refusals import Refusal, Refused
from baas_crds.errors import ConfigurationError

_PACKAGE = "baas_api.review"
_STATIC = files(_PACKAGE) / "static"
_VIEWER = files(_PACKAGE) / "viewer"
_MODULES = {
    "three": "three.module.min.js",
    "@photo-sphere-viewer/core": "core.js",
    "@photo-sphere-viewer/markers-plugin": "markers-plugin.js",
}
"""What scripts call the viewer's parts. `hack/review-page` puts them there."""


def check_built() -> None:
    """Raise `ConfigurationError` when the viewer is not there."""
    missing = [name for name in (*_MODULES.values(), "three.core.min.js") if not (_VIEWER / name).is_file()]
    if missing:
        raise ConfigurationError(
            f"The review page has no viewer ({', '.join(missing)}): `hack/review-page` installs it, and needs npm."
        )


def page(name: str, *, status: int = 200, **facts: object) -> Response:
    """Return a page made of a template."""
    text = _environment().get_template(f"{name}.html.j2").render(base=base(), modules=Markup(_import_map()), **facts)  # noqa: S704 - our own
    return HTMLResponse(text, status, headers=_headers())


def base() -> str:
    """Return the path below which files are. It changes with them, so that browsers may keep them."""
    return f"/review/static/{_digest()}"


def static_file(name: str) -> Response:
    """Return a file that pages load. Raises `Refused` when there is none."""
    data = _files().get(name)
    if data is None:
        raise Refused(Refusal.NOT_FOUND, "There is no such file.")
    kind = mimetypes.types_map[f".{name.rpartition('.')[2]}"]
    kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=kind, headers=kept)


def _headers() -> dict[str, str]:
    import_map = base64.b64encode(sha256(_import_map().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'self' 'sha256-{import_map}'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


@cache
def _import_map() -> str:
    return json.dumps({"imports": {name: f"{base()}/{file}" for name, file in _MODULES.items()}})


@cache
def _digest() -> str:
    state = sha256()
    for name, data in sorted(_files().items()):
        state.update(name.encode() + sha256(data).digest())
    return state.hexdigest()[:16]


@cache
def _files() -> dict[str, bytes]:
    found = [entry for folder in (_STATIC, _VIEWER) for entry in folder.iterdir()]
    return {entry.name: entry.read_bytes() for entry in found if entry.name.endswith((".js", ".css"))}


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
