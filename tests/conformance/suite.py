"""The tests of a CWL conformance suite, of any of its versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

_NAMES = ("conformance_tests.yaml", "conformance_test_v1.0.yaml", "v1.0/conformance_test_v1.0.yaml")


@dataclass(frozen=True)
class ConformanceTest:
    """One entry of a suite."""

    id: str
    doc: str
    tags: tuple[str, ...]
    tool: str
    job: str | None
    expected: Any
    should_fail: bool

    @property
    def required(self) -> bool:
        return "required" in self.tags


def load_suite(path: Path) -> list[ConformanceTest]:
    """The tests of the suite in a folder (or of one index file)."""
    from cwltest.utils import load_and_validate_tests

    index = path if path.is_file() else _index_in(path)
    entries, _ = load_and_validate_tests(str(index))
    return list(_tests(entries, index))


def select_tests(tests: Iterable[ConformanceTest], tags: Iterable[str], ids: Iterable[str]) -> list[ConformanceTest]:
    """The tests that have one of the tags and one of the ids, where any are named."""
    wanted_tags, wanted_ids = set(tags), set(ids)
    return [
        test
        for test in tests
        if (not wanted_tags or wanted_tags & set(test.tags)) and (not wanted_ids or test.id in wanted_ids)
    ]


def _index_in(folder: Path) -> Path:
    for name in _NAMES:
        if (folder / name).is_file():
            return folder / name
    raise SystemExit(f"there is no conformance suite in {folder}: none of {', '.join(_NAMES)}")


def _tests(entries: Iterable[Any], index: Path) -> Iterator[ConformanceTest]:
    for number, entry in enumerate(entries, start=1):
        yield ConformanceTest(
            id=str(entry.get("id", number)).rpartition("#")[2],
            doc=" ".join(str(entry.get("doc", "")).split()),
            tags=tuple(entry.get("tags", ())),
            tool=_path(entry["tool"], index),
            job=_path(entry["job"], index) if entry.get("job") else None,
            expected=entry.get("output"),
            should_fail=bool(entry.get("should_fail", False)),
        )


def _path(reference: str, index: Path) -> str:
    """A path, with its fragment; references are URIs, or relative to the index."""
    bare, fragment = urldefrag(reference)
    parts = urlsplit(bare)
    path = Path(unquote(parts.path)) if parts.scheme else index.parent / bare
    return f"{path}#{fragment}" if fragment else str(path)
