"""How `train` and `validate` show what was measured."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from baas_detector.training.measures import Measures


def show_measures(measures: "Measures", console: Console) -> None:
    """Print a table with a row for each class and one for their mean."""
    table = Table(title=f"On {measures.split}, at {measures.image_size_px} px", title_justify="left")
    table.add_column("class")
    for heading in ("objects", "precision", "recall", "mAP50", "mAP50-95"):
        table.add_column(heading, justify="right")
    for one in measures.classes:
        figures = (one.precision, one.recall, one.map50, one.map50_95)
        table.add_row(str(one.object_class), str(one.objects), *(f"{figure:.3f}" for figure in figures))
    if measures.map50 is not None and measures.map50_95 is not None:
        table.add_section()
        objects = sum(one.objects for one in measures.classes)
        table.add_row("mean", str(objects), "", "", f"{measures.map50:.3f}", f"{measures.map50_95:.3f}")
    console.print(table)
