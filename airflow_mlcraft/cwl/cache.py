"""The cache of plans on disk: a document is compiled once for its content rather than once for each process.

`documents/` has, for each document, the files that it consists of and its plan; `plans/` and `tools/` hold JSON by
digest; `bases/` has, for each plan, the folders of its documents. Each file is written atomically.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from airflow_mlcraft.common.files import write_atomically
from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.cwl.fuse import FuseMode, fuse_plan
from airflow_mlcraft.cwl.ontology import ONTOLOGY
from airflow_mlcraft.cwl.plan import Json, Plan, compiler_version
from airflow_mlcraft.errors import DocumentError, SeveralProcessesError, UnsupportedError

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.sources import Sources


_RETRY_SECONDS = 300.0
"""Seconds for which an error that does not depend on the files, such as one of a host, stays cached."""
_ERROR_CLASSES = {kind.__name__: kind for kind in (DocumentError, UnsupportedError, SeveralProcessesError)}


class PlanKey(NamedTuple):
    """The key of a plan in the cache, and the folder of its document."""

    digest: str
    base: str


@dataclass(frozen=True)
class PlanCache:
    """The plan cache in one folder."""

    root: Path
    allowed_hosts: Collection[str] = ()
    fuse: FuseMode = "hinted"
    """Which steps of compiled plans are fused; each choice has its own entries."""
    allow_development: bool = False
    """Whether documents may be in a version of CWL that is in development."""

    def get_plan(self, document: Path, fragment: str = "") -> Plan:
        """The document's plan, compiled only if one of its files has changed. Raises `DocumentError`."""
        return self.get_cached(document, fragment) or self.compile(document, fragment)

    def get_cached(self, document: Path, fragment: str = "") -> Plan | None:
        """The cached plan of an unchanged document, or None. Raises the cached `DocumentError` of a faulty one."""
        entry = self._read_entry(document, fragment)
        return self._plan_of_entry(entry) if entry is not None and self._is_current(entry) else None

    def get_cached_key(self, document: Path, fragment: str = "") -> PlanKey | None:
        """The key of the cached plan, without reading the plan, which takes most of the time."""
        entry = self._read_entry(document, fragment)
        if entry is None or not self._is_current(entry):
            return None
        if "error" in entry:
            raise _error_from_json(entry["error"])
        name = PlanKey(entry["plan"], entry["base"])
        return name if (self.root / "plans" / f"{name.digest}.json").exists() else None

    def get_last(self, document: Path, fragment: str = "") -> Plan | None:
        """The plan of the document's last compilation, or its error, even if the document has changed since."""
        entry = self._read_entry(document, fragment)
        # A plan of an older compiler may have another format.
        with suppress(KeyError, TypeError):
            return self._plan_of_entry(entry) if entry is not None else None
        return None

    def compile(self, document: Path, fragment: str = "") -> Plan:
        """Compile the document, and replace its files in the cache. Raises `DocumentError`."""
        # cwltool is imported only here, so that reading a cached plan does not need it.
        from airflow_mlcraft.cwl.compile import compile_document
        from airflow_mlcraft.cwl.load import load
        from airflow_mlcraft.cwl.sources import Sources

        entry_path = self._entry_path(document, fragment)
        sources = Sources()
        try:
            loaded = load(
                document,
                fragment,
                allowed_hosts=self.allowed_hosts,
                sources=sources,
                allow_development=self.allow_development,
            )
            compiled, tools = compile_document(loaded)
            plan = fuse_plan(compiled, self.fuse)
        except DocumentError as error:
            self._store_error(document, fragment, sources, error)
            raise
        for digest, tool in tools.items():
            write_json(self.root / "tools" / f"{digest}.json", tool)
        write_json(self.root / "plans" / f"{plan.digest}.json", plan.to_json())
        self._store_base(plan)
        write_json(entry_path, {**_source_stamps(sources), "plan": plan.digest, "base": plan.base})
        return plan

    def store_failure(self, document: Path, fragment: str, why: str) -> None:
        """Store that a document could not be compiled, with a reason that the compiler itself could not give."""
        from airflow_mlcraft.cwl.sources import Sources

        self._store_error(document, fragment, Sources(), DocumentError(why, path=str(document)))

    def tool(self, digest: str) -> Json:
        """The document of a tool of one of the plans."""
        return _read_tool(self.root / "tools" / f"{digest}.json")

    def plan(self, digest: str, base: str) -> Plan:
        """A plan by its digest; its document need not exist."""
        try:
            return self._read_plan(digest, base)
        except FileNotFoundError:
            raise DocumentError(f"the plan {digest} is not in {self.root}; import its document again") from None

    def find_plan(self, digest: str) -> Plan | None:
        """A plan by its digest, with the last known folder of its document; None when it is not in the cache."""
        bases = self._read_bases(digest)
        with suppress(FileNotFoundError):
            return self._read_plan(digest, next(filter(os.path.isdir, reversed(bases)), ""))
        return None

    def _store_base(self, plan: Plan) -> None:
        """Store the folder of a plan's document; copies of a document may lie in several folders."""
        bases = self._read_bases(plan.digest)
        if bases[-1:] != [plan.base]:
            known_bases = [base for base in bases if base != plan.base and Path(base).is_dir()]
            write_json(self.root / "bases" / f"{plan.digest}.json", [*known_bases, plan.base])

    def _read_bases(self, digest: str) -> list[str]:
        bases = _read_json(self.root / "bases" / f"{digest}.json")
        return bases if isinstance(bases, list) else []

    def _read_plan(self, digest: str, base: str) -> Plan:
        return _read_plan(self.root / "plans" / f"{digest}.json", digest, base)

    def _read_entry(self, document: Path, fragment: str) -> Json | None:
        entry = _read_json(self._entry_path(document, fragment))
        return entry if isinstance(entry, dict) and "compiler" in entry else None

    def _is_current(self, entry: Json) -> bool:
        if entry["compiler"] != compiler_version() or not _is_unchanged(entry):
            return False
        return "until" not in entry or (time.time() < entry["until"] and entry["hosts"] == sorted(self.allowed_hosts))

    def _plan_of_entry(self, entry: Json) -> Plan | None:
        if "error" in entry:
            raise _error_from_json(entry["error"])
        try:
            return self._read_plan(entry["plan"], entry["base"])
        except FileNotFoundError:
            return None

    def _store_error(self, document: Path, fragment: str, sources: Sources, error: DocumentError) -> None:
        entry = {**_source_stamps(sources), "error": _error_to_json(error)}
        if not sources.texts:
            entry |= _file_stamp(document)
        if not sources.texts or not all(uri.startswith("file:") for uri in sources.missing):
            # Errors of hosts and of file permissions are cached for a short time only.
            entry |= {"until": time.time() + _RETRY_SECONDS, "hosts": sorted(self.allowed_hosts)}
        write_json(self._entry_path(document, fragment), entry)

    def _entry_path(self, document: Path, fragment: str) -> Path:
        name = hashlib.sha256(f"{document.absolute()}#{fragment}{self._options_suffix()}".encode()).hexdigest()
        return self.root / "documents" / f"{name}.json"

    def _options_suffix(self) -> str:
        fuse = "" if self.fuse == "hinted" else f"#fuse={self.fuse}"
        return f"{fuse}#development" if self.allow_development else fuse


@lru_cache(maxsize=256)
def _read_plan(path: Path, digest: str, base: str) -> Plan:
    data = _read_json(path)
    if not isinstance(data, dict) or "root" not in data:
        raise FileNotFoundError(path)
    return Plan.from_json(data, digest=digest, base=base)


@lru_cache(maxsize=512)
def _read_tool(path: Path) -> Json:
    data = _read_json(path)
    if data is None:
        raise DocumentError(f"the tool {path.stem} is not in {path.parent}; import its document again")
    if isinstance(data, dict) and ONTOLOGY in data:
        return {**data, ONTOLOGY: _read_tool(path.with_stem(data[ONTOLOGY]))}
    return data


def _error_from_json(data: Json) -> DocumentError:
    kind = _ERROR_CLASSES[data["kind"]]
    error = kind(data["message"], path=data["path"], line=data["line"], column=data["column"])
    if isinstance(error, SeveralProcessesError):
        error.names = tuple(data["names"])
    return error


def _error_to_json(error: DocumentError) -> Json:
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "path": error.path,
        "line": error.line,
        "column": error.column,
        **({"names": error.names} if isinstance(error, SeveralProcessesError) else {}),
    }


def _source_stamps(sources: Sources) -> Json:
    """The state of all files that a compilation, or its error, depends on."""
    from airflow_mlcraft.cwl.sources import uri_to_path

    stamps = [
        {
            "path": str(uri_to_path(uri)),
            "size": state.st_size,
            "mtime": state.st_mtime_ns,
            "sha256": hashlib.sha256(sources.texts[uri].encode()).hexdigest(),
        }
        for uri, state in sources.states.items()
    ]
    # Only files are checked again, which costs nothing; the path of a host's address might exist as a folder.
    missing = [str(uri_to_path(uri)) for uri in sorted(sources.missing) if uri.startswith("file:")]
    return {"compiler": compiler_version(), "sources": stamps, "missing": missing}


def _file_stamp(document: Path) -> Json:
    """The state of a document that could not be read as text."""
    path = str(document)
    try:
        state = document.stat()
    except OSError:
        return {"sources": [], "missing": [path]}
    try:
        digest = sha256_of_file(document)
    except OSError:
        digest = ""
    return {"sources": [{"path": path, "size": state.st_size, "mtime": state.st_mtime_ns, "sha256": digest}]}


def _is_unchanged(entry: Json) -> bool:
    return all(_is_same_file(source) for source in entry["sources"]) and not any(
        Path(path).exists() for path in entry.get("missing", ())
    )


def _is_same_file(source: Json) -> bool:
    """Whether a file has the same size and time, or else (as after a fresh checkout) the same bytes."""
    path = Path(source["path"])
    try:
        stat = path.stat()
        if stat.st_size != source["size"]:
            return False
        if stat.st_mtime_ns == source["mtime"]:
            return True
        return sha256_of_file(path) == str(source["sha256"])
    except OSError:
        return False


def _read_json(path: Path) -> Json | None:
    """The JSON in a file; None for a file that is missing or damaged, as by a crash or a full disk."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def write_json(path: Path, data: Json) -> None:
    """Write JSON atomically: readers see the whole new file or the previous one."""
    write_atomically(path, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
