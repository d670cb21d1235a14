"""One self-contained HTML page about a run: what was published, what was hidden and what was held back, and why."""

from baas_preprocess.report.content import ImageState, Report, ReportBox, ReportImage
from baas_preprocess.report.page import render
from baas_preprocess.report.pictures import page_picture

__all__ = ["ImageState", "Report", "ReportBox", "ReportImage", "page_picture", "render"]
