"""The worklist of a sample for labelling, as plain data and as CSV. Pure."""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from baas_sampling.drawing import Drawn


def rows(drawn: Iterable[Drawn]) -> list[dict[str, Any]]:
    """Return the worklist as plain data."""
    return [asdict(one) | {"weight": round(one.weight, 3)} for one in drawn]


def worklist_text(drawn: Iterable[Drawn]) -> str:
    """Return the worklist as CSV."""
    written = io.StringIO()
    table = csv.DictWriter(written, [field.name for field in fields(Drawn)], lineterminator="\n")
    table.writeheader()
    table.writerows(rows(drawn))
    return written.getvalue()
