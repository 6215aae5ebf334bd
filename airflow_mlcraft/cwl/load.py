"""Loading of CWL documents with cwltool: references are resolved and the rules of the language checked."""

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
from cwltool.process import Process

from airflow_mlcraft.adapters.cwltool import clear_ontologies
from airflow_mlcraft.cwl.composer.repairs import create_process, remove_inner_tool_ids
from airflow_mlcraft.cwl.deep_recursion import run_with_deep_stack
from airflow_mlcraft.cwl.errors.load_errors import find_endless_nesting, readable_errors
from airflow_mlcraft.cwl.sources import SourceFetcher, Sources, refuse_redirects
from airflow_mlcraft.errors import DocumentError, SeveralProcessesError, UnsupportedError

SUPPORTED_VERSIONS = ("v1.0", "v1.1", "v1.2")
DEVELOPMENT_VERSIONS = ("v1.3.0-dev1",)
"""Versions of the language that are not released; `allow_development` allows them."""


@dataclass(frozen=True)
class LoadedDocument:
    """A document as loaded by cwltool, and the texts of its files, by URI."""

    process: Process
    path: Path
    fragment: str
    """The requested process of a document that has several."""
    cwl_version: str
    sources: dict[str, str]


def load(
    path: Path,
    fragment: str = "",
    *,
    allowed_hosts: Collection[str] = (),
    sources: Sources | None = None,
    texts: Mapping[Path, str] | None = None,
    allowed_folders: Collection[Path] | None = None,
    allow_development: bool = False,
) -> LoadedDocument:
    """Load the process at `path`, or its `#fragment`. Raises `DocumentError` for a faulty document.

    `sources` is filled with what was read, also in case of an error. `texts` replace the files at these paths.
    `allowed_folders` are the only folders that files are read from, if given.
    """
    sources = Sources() if sources is None else sources
    uri = path.absolute().as_uri() + (f"#{fragment}" if fragment else "")
    texts_by_uri = {path.absolute().as_uri(): text for path, text in (texts or {}).items()}
    fetcher = partial(
        _create_fetcher,
        allowed_hosts=allowed_hosts,
        sources=sources,
        texts=texts_by_uri,
        allowed_folders=allowed_folders,
    )
    load_process = partial(_load, path, fragment, uri, fetcher, allow_development)
    with readable_errors(path, sources.texts, fragment), _silence_loggers("cwltool", "salad", "rdflib.term"):
        try:
            process, version = load_process()
        except RecursionError:
            if find_endless_nesting(uri, sources.texts):
                raise
            process, version = run_with_deep_stack(load_process)
    return LoadedDocument(process, path, fragment, version, sources.texts)


def _load(path: Path, fragment: str, uri: str, fetcher: Any, allow_development: bool) -> tuple[Process, str]:
    context = LoadingContext(
        {
            "construct_tool_object": create_process,
            "fetcher_constructor": fetcher,
            # Without linting, for which cwltool would start a Node process for each expression.
            "disable_js_validation": True,
            "strict": True,
            "enable_dev": allow_development,
        }
    )
    clear_ontologies()
    context, document, uri = fetch_document(uri, context)
    version = _get_cwl_version(document, path, allow_development)
    remove_inner_tool_ids(document)
    context, uri = resolve_and_validate_document(context, document, uri)
    return make_tool(_find_main_process(context, uri, fragment, path), context), version


def _create_fetcher(
    cache: Any,
    session: Any,
    *,
    allowed_hosts: Collection[str],
    sources: Sources,
    texts: Mapping[str, str],
    allowed_folders: Collection[Path] | None,
) -> SourceFetcher:
    session.hooks["response"].append(partial(refuse_redirects, allowed_hosts))
    return SourceFetcher(
        cache, session, allowed_hosts=allowed_hosts, sources=sources, texts=texts, allowed_folders=allowed_folders
    )


def _get_cwl_version(document: Any, path: Path, allow_development: bool) -> str:
    if not isinstance(document, dict):
        raise DocumentError(
            f"expected a CWL document (a map with class and cwlVersion), found {_describe_value(document)}",
            path=str(path),
            line=1,
        )
    version = str(document.get("cwlVersion", "")).rpartition("#")[2].removeprefix("cwl:")
    supported = SUPPORTED_VERSIONS + (DEVELOPMENT_VERSIONS if allow_development else ())
    if version not in supported and "cwl:tool" not in document:
        found = f"cwlVersion: {version}" if version else "no cwlVersion"
        remedy = (
            "it is in development; the setting [mlcraft] development_versions or the option --enable-dev allows it"
            if version in DEVELOPMENT_VERSIONS
            else "older documents can be upgraded with cwl-upgrader"
        )
        line = document.lc.data["cwlVersion"][0] + 1 if version else 1  # type: ignore[attr-defined]
        raise UnsupportedError(
            f"found {found}, expected one of {', '.join(supported)}; {remedy}",
            path=str(path),
            line=line,
        )
    return version


def _find_main_process(context: LoadingContext, uri: str, fragment: str, path: Path) -> str:
    """The URI of the process to load: of a packed document, `#main`, or the one that no other process runs."""
    loader = context.loader
    resolved, _ = loader.resolve_ref(uri)  # type: ignore[union-attr]
    if fragment or not isinstance(resolved, list):
        return uri
    ids = [str(process["id"]) for process in resolved]
    for process_id in ids:
        if process_id.endswith("#main"):
            return process_id
    used_ids = {
        step["run"] for process in resolved for step in process.get("steps", ()) if isinstance(step.get("run"), str)
    }
    top_level = [process_id for process_id in ids if process_id not in used_ids]
    workflows = [str(p["id"]) for p in resolved if p.get("class") == "Workflow" and str(p["id"]) in top_level]
    for candidates in (workflows, top_level):
        if len(candidates) == 1:
            return candidates[0]
    names = ", ".join("#" + urldefrag(process_id)[1] for process_id in ids)
    several = SeveralProcessesError(
        f"found several processes ({names}) and none called #main; say which one, as {path.name}#name",
        path=str(path),
        line=1,
    )
    several.names = tuple(urldefrag(process_id)[1] for process_id in workflows or top_level or ids)
    raise several


def _describe_value(document: Any) -> str:
    if document is None:
        return "nothing"
    return "a list" if isinstance(document, list) else f"the value {str(document)[:60]!r}"


@contextmanager
def _silence_loggers(*names: str) -> Iterator[None]:
    """Silence loggers of messages that are also raised as errors, or not needed."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
