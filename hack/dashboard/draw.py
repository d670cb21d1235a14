"""Draw Grafana's dashboard without Grafana: the same panels, with the answers of a Prometheus.

    python -m hack.dashboard.draw http://127.0.0.1:9090 docs/images/dashboard.png --minutes 10

It shows what the dashboard's own queries answer, in a plain way, and leaves out panels with nothing in them.
"""

import json
import time
from pathlib import Path
from typing import Any

import click
import matplotlib.pyplot as plt
import requests
from hack.dashboard.generate import GRAFANA
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, MinuteLocator
from matplotlib.gridspec import GridSpec

POINTS = 120
UNITS = {"s": "s", "Bps": "MB/s", "short": ""}
SCALE = {"Bps": 1e-6}
SECONDS_A_DAY = 86_400

Labelled = list[tuple[str, list[tuple[float, float]]]]
"""Lines: a legend, and times (s since 1970) with values."""


@click.command()
@click.argument("prometheus")
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--minutes", default=10.0, help="So far back from now.")
@click.option("--rate-seconds", default=60, help="What rates are taken over.")
def main(prometheus: str, output: Path, minutes: float, rate_seconds: int) -> None:
    """Ask PROMETHEUS, and draw into OUTPUT."""
    draw(prometheus, output, seconds=60 * minutes, rate_seconds=rate_seconds)


def draw(prometheus: str, output: Path, *, seconds: float, rate_seconds: int) -> None:
    """Draw the last `seconds`, with rates over `rate_seconds`. Raises requests' errors."""
    document = json.loads(GRAFANA.read_text(encoding="utf-8"))
    end = time.time()
    put = {
        "$__rate_interval": f"{rate_seconds}s",
        "$__range": f"{round(seconds)}s",
        "$namespace": ".*",
        "$blurjob": ".*",
    }
    panels = [panel for panel in document["panels"] if panel["type"] != "row"]
    answered = [(panel, _answers(prometheus, panel, put, end - seconds, end)) for panel in panels]
    _draw([(panel, lines) for panel, lines in answered if _tells(lines)], document["title"], output)


def _answers(prometheus: str, panel: dict[str, Any], put: dict[str, str], start: float, end: float) -> Labelled:
    """Return the lines of one panel. Raises requests' errors."""
    lines: Labelled = []
    for target in panel["targets"]:
        query = target["expr"]
        for name, value in put.items():
            query = query.replace(name, value)
        times = {"start": start, "end": end, "step": (end - start) / POINTS}
        answer = requests.get(f"{prometheus}/api/v1/query_range", params={"query": query, **times}, timeout=30)
        answer.raise_for_status()
        for series in answer.json()["data"]["result"]:
            points = [(float(at), float(value)) for at, value in series["values"] if value not in {"NaN", "+Inf"}]
            lines.append((_legend(target["legendFormat"], series["metric"]), points))
    return [(legend, points) for legend, points in lines if points]


def _tells(lines: Labelled) -> bool:
    """Whether anything is above zero: a panel that is empty takes no place."""
    return any(value for _, points in lines for _, value in points)


def _legend(template: str, labels: dict[str, str]) -> str:
    for name, value in labels.items():
        template = template.replace("{{" + name + "}}", value)
    return template


def _draw(panels: list[tuple[dict[str, Any], Labelled]], title: str, output: Path) -> None:
    columns = 3
    rows = -(-len(panels) // columns)
    plt.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False})
    figure = plt.figure(figsize=(15, 2.5 * rows), layout="constrained")
    figure.suptitle(f"{title}, drawn from Prometheus", fontsize=12)
    grid = GridSpec(rows, columns, figure=figure)
    for number, (panel, lines) in enumerate(panels):
        axes = figure.add_subplot(grid[number // columns, number % columns])
        unit = panel["fieldConfig"]["defaults"]["unit"]
        scaled = [(legend, [(at, value * SCALE.get(unit, 1)) for at, value in points]) for legend, points in lines]
        axes.set_title(panel["title"], loc="left", fontsize=9, fontweight="bold")
        (_lines if panel["type"] == "timeseries" else _bars)(axes, scaled, UNITS[unit])
    figure.savefig(output, dpi=100)


def _lines(axes: Axes, lines: Labelled, unit: str) -> None:
    # Of many lines those that lie on the axis tell nothing.
    risen = [line for line in lines if any(value for _, value in line[1])]
    for legend, points in risen:
        axes.plot([_days(at) for at, _ in points], [value for _, value in points], label=legend, linewidth=1.3)
    times = [at for _, points in lines for at, _ in points]
    axes.xaxis.set_major_locator(MinuteLocator(interval=max(1, round((max(times) - min(times)) / 360))))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))
    highest = max(value for _, points in risen for _, value in points)
    axes.set_ylim(0, 1.3 * highest)  # with room for the legend
    axes.set_ylabel(unit)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", fontsize=7, framealpha=0.7)


def _days(at: float) -> float:
    """Return a time in days since 1970, as matplotlib has it."""
    return at / SECONDS_A_DAY


def _bars(axes: Axes, lines: Labelled, unit: str) -> None:
    bars = sorted(((legend, points[-1][1]) for legend, points in lines), key=lambda bar: bar[1])
    drawn = axes.barh([legend for legend, _ in bars], [value for _, value in bars], color="#4c78a8")
    axes.bar_label(drawn, labels=[f"{value:.3g} {unit}".strip() for _, value in bars], padding=3)
    axes.margins(x=0.2)


if __name__ == "__main__":
    main()
