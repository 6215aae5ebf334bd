"""Load a CWL document with cwltool: every reference resolved, every rule of the language checked."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from cwltool.context import LoadingContext
from cwltool.load_tool import fetch_document, make_tool, resolve_and_validate_document
from cwltool.process import SCHEMA_CACHE, Process
from rdflib import Graph
from ruamel.yaml.scalarfloat import ScalarFloat

from airflow_mlcraft.cwl.composer.repairs import make_process, without_inner_ids
from airflow_mlcraft.cwl.deep_recursion import with_deep_stack
from airflow_mlcraft.cwl.errors.load_errors import endless, readable_errors
from airflow_mlcraft.cwl.sources import SourceFetcher, Sources, refuse_redirects
from airflow_mlcraft.errors import DocumentError, SeveralProcessesError, UnsupportedError

SUPPORTED_VERSIONS = ("v1.0", "v1.1", "v1.2")


@dataclass(frozen=True)
class LoadedDocument:
    """A document as cwltool holds it, and the texts it was made of, by URI."""

    process: Process
    path: Path
    fragment: str
    """Which process of several was asked for."""
    cwl_version: str
    sources: dict[str, str]


def load(
    path: Path,
    fragment: str = "",
    *,
    allowed_hosts: Collection[str] = (),
    sources: Sources | None = None,
    texts: Mapping[Path, str] | None = None,
    within: Collection[Path] | None = None,
) -> LoadedDocument:
    """Load the process at `path` (`#fragment` of it); a `DocumentError` says what is wrong with it.

    `sources` is filled with what was read until then, also when there is an error.
    `texts` are read in place of what the files at these paths hold, if there are any.
    `within` are the only folders that files are read from, if given.
    """
    sources = Sources() if sources is None else sources
    uri = path.absolute().as_uri() + (f"#{fragment}" if fragment else "")
    given = {path.absolute().as_uri(): text for path, text in (texts or {}).items()}
    fetcher = partial(_fetcher, allowed_hosts=allowed_hosts, sources=sources, texts=given, within=within)
    made = partial(_load, path, fragment, uri, fetcher)
    with readable_errors(path, sources.texts, fragment), _quiet("cwltool", "salad", "rdflib.term"):
        try:
            process, version = made()
        except RecursionError:
            if endless(uri, sources.texts):
                raise
            process, version = with_deep_stack(made)
    return LoadedDocument(process, path, fragment, version, sources.texts)


def _load(path: Path, fragment: str, uri: str, fetcher: Any) -> tuple[Process, str]:
    context = LoadingContext(
        {
            "construct_tool_object": make_process,
            "fetcher_constructor": fetcher,
            # cwltool would start a Node process to lint each expression.
            "disable_js_validation": True,
            "strict": True,
        }
    )
    _forget_ontologies()
    context, document, uri = fetch_document(uri, context)
    version = _version_of(document, path)
    without_inner_ids(document)
    context, uri = resolve_and_validate_document(context, document, uri)
    return make_tool(_main_of(context, uri, fragment, path), context), version


def _fetcher(
    cache: Any,
    session: Any,
    *,
    allowed_hosts: Collection[str],
    sources: Sources,
    texts: Mapping[str, str],
    within: Collection[Path] | None,
) -> SourceFetcher:
    session.hooks["response"].append(partial(refuse_redirects, allowed_hosts))
    return SourceFetcher(cache, session, allowed_hosts=allowed_hosts, sources=sources, texts=texts, within=within)


def _forget_ontologies() -> None:
    """cwltool gathers the `$schemas` of all documents of a process; a document must not get another's."""
    for schema_loader, *_ in SCHEMA_CACHE.values():
        schema_loader.graph = Graph()
        for uri in [uri for uri, kept in schema_loader.cache.items() if isinstance(kept, Graph)]:
            del schema_loader.cache[uri]


def _version_of(document: Any, path: Path) -> str:
    if not isinstance(document, dict):
        raise DocumentError(
            f"expected a CWL document (a map with class and cwlVersion), found {_kind(document)}",
            path=str(path),
            line=1,
        )
    version = str(document.get("cwlVersion", "")).rpartition("#")[2].removeprefix("cwl:")
    if version not in SUPPORTED_VERSIONS and "cwl:tool" not in document:
        found = f"cwlVersion: {version}" if version else "no cwlVersion"
        line = document.lc.data["cwlVersion"][0] + 1 if version else 1  # type: ignore[attr-defined]
        raise UnsupportedError(
            f"found {found}, expected one of {', '.join(SUPPORTED_VERSIONS)}; "
            "older documents can be upgraded with cwl-upgrader",
            path=str(path),
            line=line,
        )
    return version


def _main_of(context: LoadingContext, uri: str, fragment: str, path: Path) -> str:
    """Where a packed document has several processes and names none: `#main`, or the one nobody else runs."""
    loader = context.loader
    resolved, _ = loader.resolve_ref(uri)  # type: ignore[union-attr]
    if fragment or not isinstance(resolved, list):
        return uri
    ids = [str(process["id"]) for process in resolved]
    for process_id in ids:
        if process_id.endswith("#main"):
            return process_id
    used = {
        step["run"] for process in resolved for step in process.get("steps", ()) if isinstance(step.get("run"), str)
    }
    tops = [process_id for process_id in ids if process_id not in used]
    workflows = [str(p["id"]) for p in resolved if p.get("class") == "Workflow" and str(p["id"]) in tops]
    for candidates in (workflows, tops):
        if len(candidates) == 1:
            return candidates[0]
    names = ", ".join("#" + urldefrag(process_id)[1] for process_id in ids)
    several = SeveralProcessesError(
        f"found several processes ({names}) and none called #main; say which one, as {path.name}#name",
        path=str(path),
        line=1,
    )
    several.names = tuple(urldefrag(process_id)[1] for process_id in workflows or tops or ids)
    raise several


def _kind(document: Any) -> str:
    if document is None:
        return "nothing"
    return "a list" if isinstance(document, list) else f"the value {str(document)[:60]!r}"


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """cwltool reports on stderr what we raise as an error or do not need."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def plain(node: Any) -> Any:
    """A part of a loaded document as plain dictionaries, lists and numbers."""
    if isinstance(node, Mapping):
        return {key: plain(item) for key, item in node.items()}
    if isinstance(node, list):
        return [plain(item) for item in node]
    if isinstance(node, ScalarFloat):
        # JSON would make 123000.0 of 1.23e5, and a command line is to have 123000.
        written_with_exponent = node._exp is not None  # type: ignore[attr-defined]
        return int(node) if written_with_exponent and node.is_integer() else float(node)
    return node
