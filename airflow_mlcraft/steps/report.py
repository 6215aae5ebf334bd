"""The report of a contest, as HTML and Markdown."""

from __future__ import annotations

from pathlib import Path

from airflow_mlcraft.steps.outcome import Outcome


def write_report(found: Outcome, folder: Path, seed: int) -> None:
    """Write report.html, report.md and plots/."""
    (folder / "plots").mkdir(exist_ok=True)
    for name in ("report.html", "report.md"):
        (folder / name).write_text(f"{found.verdict.why}\n", "utf-8")
