"""`python -m bench [NAME…]`: measure, and write bench/RESULTS.md. Each figure is a ratio of two sides in one run."""

from __future__ import annotations

import platform
import sys
from importlib import import_module
from importlib.metadata import version

from bench.measure import ROOT, Figure

NAMES = ("parse", "dags_test", "command", "scatter", "server", "reuse", "memory")


def main() -> None:
    wanted = sys.argv[1:] or list(NAMES)
    if unknown := set(wanted) - set(NAMES):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.")
    results: dict[str, list[Figure]] = {}
    for name in wanted:
        results[name] = import_module(f"bench.{name}").figures()
        for figure in results[name]:
            print(f"{figure.value:6.2f}  {figure.aim:8}  {figure.name}  ({figure.detail})", flush=True)
    if wanted == list(NAMES):
        (ROOT / "bench" / "RESULTS.md").write_text(_page(results))


def _page(results: dict[str, list[Figure]]) -> str:
    import os

    rows = [
        f"| {figure.name} | {figure.value:.2f} | {figure.aim} | {figure.detail} |"
        for figures in results.values()
        for figure in figures
    ]
    return "\n".join(
        [
            "# Results",
            "",
            "Made by `make bench`. Each figure is a ratio of two sides measured in turn, in one run on one machine; "
            "the details are medians.",
            "",
            f"{os.cpu_count()} cores, Python {platform.python_version()}, Airflow {version('apache-airflow')}, "
            f"cwltool {version('cwltool')}.",
            "",
            "| what | ratio | aim | medians |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
