"""What a run of the suite came to: a table by tag, JUnit, a badge."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

from tests.conformance.execute import Outcome


def table(outcomes: Sequence[Outcome]) -> str:
    """Counts by tag; tests that must fail apart, because a runner that fails at all passes those."""
    rows: list[tuple[str, ...]] = [
        ("tag", "passed", "failed", "unsupported", "should-fail passed", "should-fail failed")
    ]
    tags = sorted({tag for outcome in outcomes for tag in outcome.test.tags})
    for tag in ["all", *tags]:
        some = [outcome for outcome in outcomes if tag == "all" or tag in outcome.test.tags]
        own = Counter(outcome.status for outcome in some if not outcome.test.should_fail)
        apart = Counter(outcome.status for outcome in some if outcome.test.should_fail)
        rows.append(
            (
                tag,
                *(str(own[status]) for status in ("passed", "failed", "unsupported")),
                str(apart["passed"]),
                str(apart["failed"]),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """The closing line."""
    count = Counter(outcome.status for outcome in outcomes)
    return (
        f"{count['passed']} passed, {count['failed']} failed, {count['unsupported']} unsupported "
        f"in {seconds:.0f} s ({seconds / max(1, len(outcomes)):.2f} s a test)"
    )


def write(outcomes: Sequence[Outcome], folder: Path, name: str) -> None:
    """`junit.xml` and `badge.json` (as shields.io takes it)."""
    folder.mkdir(parents=True, exist_ok=True)
    suite = Xml.Element("testsuite", name=name, tests=str(len(outcomes)))
    for outcome in outcomes:
        case = Xml.SubElement(suite, "testcase", name=outcome.test.id, classname=name, time=f"{outcome.seconds:.3f}")
        if outcome.status == "failed":
            Xml.SubElement(case, "failure", message=outcome.test.doc).text = _printable(outcome.detail)
        elif outcome.status == "unsupported":
            Xml.SubElement(case, "skipped", message="unsupported")
    Xml.ElementTree(suite).write(folder / "junit.xml", encoding="utf-8", xml_declaration=True)
    passed = sum(outcome.status == "passed" for outcome in outcomes)
    badge = {
        "schemaVersion": 1,
        "label": f"CWL {name}",
        "message": f"{passed} of {len(outcomes)}",
        "color": "brightgreen" if passed == len(outcomes) else "orange",
    }
    (folder / "badge.json").write_text(json.dumps(badge) + "\n")


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable() or char in "\n\t")
