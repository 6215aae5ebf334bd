"""Plans on disk, so that a document is compiled once for its content and not once for each process.

Layout: `documents/` says for each document which files it was made of and which plan they make; `plans/` and
`tools/` hold JSON by digest. Every file is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from airflow_mlcraft.cwl.compiler_version import compiler_version
from airflow_mlcraft.cwl.ontology import ONTOLOGY
from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.errors import DocumentError, UnsupportedError


@dataclass(frozen=True)
class PlanCache:
    """The plans below one folder."""

    root: Path
    allowed_hosts: Collection[str] = ()

    def plan_of(self, document: Path, fragment: str = "") -> Plan:
        """The document's plan, compiled only when one of its files has changed. Raises `DocumentError`."""
        entry_path = self._entry_path(document, fragment)
        entry = _read(entry_path)
        if entry is not None and entry["compiler"] == compiler_version() and _unchanged(entry["sources"]):
            if "error" in entry:
                raise _error_of(entry["error"])
            with suppress(FileNotFoundError):
                return self._plan(entry["plan"], entry["base"])
        return self._compile(document, fragment, entry_path)

    def tool(self, digest: str) -> Json:
        """The document of a tool that one of the plans names."""
        return _tool(self.root / "tools" / f"{digest}.json")

    def plan(self, digest: str, base: str) -> Plan:
        """A plan by its digest; the document it came from need not be there."""
        try:
            return self._plan(digest, base)
        except FileNotFoundError:
            raise DocumentError(f"the plan {digest} is not in {self.root}; import its document again") from None

    def _compile(self, document: Path, fragment: str, entry_path: Path) -> Plan:
        # cwltool loads here and nowhere on the way of a plan that is cached.
        from airflow_mlcraft.cwl.compile import compile_document
        from airflow_mlcraft.cwl.load import load
        from airflow_mlcraft.cwl.sources import path_of_uri

        try:
            loaded = load(document, fragment, allowed_hosts=self.allowed_hosts)
            plan, tools = compile_document(loaded)
        except DocumentError as error:
            self._remember_error(error, document, entry_path)
            raise
        for digest, tool in tools.items():
            _write_once(self.root / "tools" / f"{digest}.json", tool)
        _write_once(self.root / "plans" / f"{plan.digest}.json", plan.to_json())
        sources = [
            _stamp(path_of_uri(uri), text) for uri, text in loaded.sources.items() if uri.startswith("file:")
        ]
        entry = {"compiler": compiler_version(), "plan": plan.digest, "base": plan.base, "sources": sources}
        write_whole(entry_path, entry)
        return plan

    def _remember_error(self, error: DocumentError, document: Path, entry_path: Path) -> None:
        """A broken document is not compiled at every parse either, unless the fault is in another file."""
        if error.path and Path(error.path) != document.absolute():
            return
        try:
            source = _stamp(document, document.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return
        what = {
            "kind": type(error).__name__,
            "message": error.message,
            "path": error.path,
            "line": error.line,
            "column": error.column,
        }
        write_whole(entry_path, {"compiler": compiler_version(), "error": what, "sources": [source]})

    def _plan(self, digest: str, base: str) -> Plan:
        return _plan(self.root / "plans" / f"{digest}.json", digest, base)

    def _entry_path(self, document: Path, fragment: str) -> Path:
        name = hashlib.sha256(f"{document.absolute()}#{fragment}".encode()).hexdigest()
        return self.root / "documents" / f"{name}.json"


@lru_cache(maxsize=256)
def _plan(path: Path, digest: str, base: str) -> Plan:
    data = _read(path)
    if data is None:
        raise FileNotFoundError(path)
    return Plan.from_json(data, digest=digest, base=base)


@lru_cache(maxsize=512)
def _tool(path: Path) -> Json:
    data = _read(path)
    if data is None:
        raise DocumentError(f"the tool {path.stem} is not in {path.parent}; import its document again")
    if isinstance(data, dict) and ONTOLOGY in data:
        return {**data, ONTOLOGY: _tool(path.with_stem(data[ONTOLOGY]))}
    return data


def _error_of(what: Json) -> DocumentError:
    kind = UnsupportedError if what["kind"] == UnsupportedError.__name__ else DocumentError
    return kind(what["message"], path=what["path"], line=what["line"], column=what["column"])


def _stamp(path: Path, text: str) -> Json:
    stat = path.stat()
    return {
        "path": str(path),
        "size": stat.st_size,
        "mtime": stat.st_mtime_ns,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }


def _unchanged(sources: list[Json]) -> bool:
    return all(_same(source) for source in sources)


def _same(source: Json) -> bool:
    """The same size and time, or else (a fresh checkout, a touch) the same bytes."""
    path = Path(source["path"])
    try:
        stat = path.stat()
        if stat.st_size != source["size"]:
            return False
        if stat.st_mtime_ns == source["mtime"]:
            return True
        return hashlib.sha256(path.read_bytes()).hexdigest() == str(source["sha256"])
    except OSError:
        return False


def _read(path: Path) -> Json | None:
    """The JSON in a file; a file that is not there, or that a crash or a full disk cut short, is none."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _write_once(path: Path, data: Json) -> None:
    if not path.exists():
        write_whole(path, data)


def write_whole(path: Path, data: Json) -> None:
    """Write JSON so that a reader sees all of it or the file that was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8") as part:
        try:
            json.dump(data, part, ensure_ascii=False, separators=(",", ":"))
        except BaseException:
            os.unlink(part.name)  # noqa: PTH108
            raise
    Path(part.name).replace(path)
