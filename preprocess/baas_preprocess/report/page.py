"""Draw the report as one HTML file that asks nobody for anything: no network, no other file, no address to leak to.

Names and messages come from strangers' files. They are escaped by the template, what cannot be printed is spelled out,
and the page's own content security policy runs no script but ours, so that one mistake is not enough.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from baas_crds.codes import ObjectClass
from baas_preprocess.facts import Box
from baas_preprocess.report.content import ImageState, Report, ReportBox, ReportImage
from baas_preprocess.report.figures import CLASS_NAMES, histograms, step_seconds, sums
from baas_preprocess.upright import stored_box

_PACKAGE = "baas_preprocess.report"
# Turning the shown picture by this orientation gives the stored one: only the quarter turns differ from themselves.
_INVERSE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def render(report: Report) -> str:
    """Return the whole page, to be written as UTF-8. The same report gives the same page."""
    style, script = _text("page.css"), "\n".join(map(_text, ("views.js", "viewer.js", "page.js")))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_source_of(style)}; script-src {_source_of(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    template = _environment().get_template("page.html.j2")
    return template.render(
        report=report,
        sums=sums(report),
        histograms=histograms(report),
        steps=step_seconds(report.images),
        facts=[_facts(image) for image in report.images],
        style=Markup(style),  # noqa: S704  our own file
        script=Markup(script),  # noqa: S704  our own file
        policy=policy,
    )


def visible(text: str) -> str:
    r"""Spell out what a reader would not see, or what turns the text around, such as `\n` and `\u202e`."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def upright_box(box: ReportBox, orientation: int) -> Box:
    """Return the box as it lies on the upright picture, in shares of its width and height."""
    stored = Box(box.x, box.y, box.x + box.width, box.y + box.height)
    return stored_box(stored, _INVERSE[orientation], 1, 1)


def _facts(image: ReportImage) -> Mapping[str, object]:
    """What the page's script needs of an image; everything else stands in its row."""
    return {
        # A panorama that is stored turned is shown as a flat photo, as the detector saw it.
        "wraps": image.wraps and image.orientation == 1,
        "boxes": [
            {"at": _at(box, image.orientation), "kind": box.object_class, "score": round(box.score, 3)}
            for box in image.boxes
        ],
        "steps": {step: round(taken, 3) for step, taken in image.seconds_per_step.items()},
        "input": image.input_digest,
        "output": image.output_digest,
    }


def _at(box: ReportBox, orientation: int) -> list[float]:
    """Left, top, width and height as shown; five digits are a twelfth of a pixel of 8000."""
    shown = upright_box(box, orientation)
    return [round(side, 5) for side in (shown.left, shown.top, shown.right - shown.left, shown.bottom - shown.top)]


def _source_of(text: str) -> str:
    """The policy's name for an inline style or script: its digest (Content Security Policy Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return files(_PACKAGE).joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # steps keep their order
    environment.filters |= {"data_uri": _data_uri, "utc": _utc, "duration": _duration, "size": _size}
    environment.globals |= {"ImageState": ImageState, "ObjectClass": ObjectClass, "CLASS_NAMES": CLASS_NAMES}
    return environment


def _harmless(value: object) -> object:
    """Applied to everything that the template prints, so that no field can be forgotten."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _data_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _utc(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if not minutes and not hours:
        return f"{seconds:.1f} s"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _size(image: ReportImage) -> str:
    """Width and height as a viewer shows them; orientations from 5 on swap them (Exif 2.32, section 4.6.4)."""
    sides = (image.width_px, image.height_px)
    return "{} × {}".format(*(reversed(sides) if image.orientation >= 5 else sides))
