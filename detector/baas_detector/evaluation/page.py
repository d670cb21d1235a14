"""A report as one HTML file that asks nobody for anything: no network, no other file, no script."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from baas_detector.evaluation.plots import plots
from baas_detector.evaluation.results import Report
from baas_detector.evaluation.tables import remarks, tables

_PACKAGE = "baas_detector.evaluation"


def page(report: Report) -> str:
    """Return the whole page, to be written as UTF-8. Names from strangers' files are escaped."""
    style = files(_PACKAGE).joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        report=report,
        remarks=remarks(report),
        tables=tables(report),
        plots=[(plot.title, base64.b64encode(plot.svg).decode()) for plot in plots(report)],
        style=Markup(style),  # noqa: S704  our own file
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    )
