"""`python -m bench [NAME…]`: measure, and write bench/RESULTS.md. Each figure is a ratio of two sides in one run."""

from __future__ import annotations

import argparse
import math
import os
import platform
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from bench.measure import ROOT, Figure

NAMES = (
    "parse",
    "folder",
    "dags_test",
    "command",
    "suite",
    "scatter",
    "fused",
    "server",
    "reuse",
    "tracking",
    "training",
    "training_scale",
    "versioning",
    "serving",
    "endurance",
    "memory",
    "pages",
    "plugin",
)
RESULTS = ROOT / "bench" / "RESULTS.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition(": ")[2])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all where none is given")
    names = parser.parse_args().names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    for name in names:
        figures = import_module(f"bench.{name}").figures()
        for figure in figures:
            print(f"{_number(figure.value):>6}  {figure.aim:8}  {figure.name}  ({figure.detail})", flush=True)
        _write(RESULTS, {**_sections(RESULTS), name: _section(name, figures)})


def _sections(path: Path) -> dict[str, str]:
    """The sections of the results file, by benchmark."""
    text = path.read_text() if path.exists() else ""
    return {
        found[1]: found[0].strip()
        for found in re.finditer(r"^## `python -m bench (\w+)`\n.*?(?=^## |\Z)", text, re.M | re.S)
    }


def _section(name: str, figures: list[Figure]) -> str:
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, Airflow {version('apache-airflow')}, "
    rows = [
        f"| {figure.name} | {_number(figure.value)} | {figure.aim} | {_cell(figure.detail)} |" for figure in figures
    ]
    return "\n".join(
        [
            f"## `python -m bench {name}`",
            f"{machine}cwltool {version('cwltool')}.",
            "",
            "| what | ratio | aim | medians |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def _number(value: float) -> str:
    """A number as text; NaN, for a failed measurement, refers to the detail."""
    return "-" if math.isnan(value) else f"{value:.2f}"


def _write(path: Path, sections: dict[str, str]) -> None:
    parts = [
        "# Results\n\nMade by `make bench`, or by the command that heads a table. Each figure is a ratio of two sides "
        "measured in turn, in one run on one machine; the details are medians.",
        *(sections[name] for name in NAMES if name in sections),
    ]
    path.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
