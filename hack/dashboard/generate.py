"""Make the dashboards from dashboard/panels.yaml: Azure Monitor's workbook, its ARM template, and Grafana's.

python -m hack.dashboard.generate [--check]
"""

import sys
from pathlib import Path

from hack.dashboard.grafana import dashboard
from hack.dashboard.panels import ROOT, SOURCE, read_sections
from hack.dashboard.workbook import arm_template, serialized, workbook

WORKBOOK = ROOT / "dashboard" / "blurring.workbook"
TEMPLATE = ROOT / "dashboard" / "blurring.json"
GRAFANA = ROOT / "charts" / "blurring-as-a-service" / "files" / "grafana-dashboard.json"


def generated() -> dict[Path, str]:
    """Return the right content of every generated file."""
    sections = read_sections(SOURCE.read_text(encoding="utf-8"))
    book = serialized(workbook(sections))
    return {
        WORKBOOK: book,
        TEMPLATE: serialized(arm_template(book)),
        GRAFANA: serialized(dashboard(sections)),
    }


def main() -> None:
    """Write the files, or with --check name those that are stale and exit with 1."""
    files = generated()
    if sys.argv[1:] == ["--check"]:
        stale = [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: run `make generate` and commit what it writes.")
        sys.exit(1 if stale else 0)
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
