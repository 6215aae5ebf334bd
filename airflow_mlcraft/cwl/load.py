"""Load a CWL document with cwltool: every reference resolved, every rule of the language checked."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from cwltool.context import LoadingContext
from cwltool.errors import WorkflowException
from cwltool.load_tool import fetch_document, make_tool, resolve_and_validate_document
from cwltool.process import Process
from cwltool.workflow import default_make_tool
from schema_salad.exceptions import SchemaSaladException
from schema_salad.utils import convert_to_dict

from airflow_mlcraft.cwl.sources import SourceFetcher, path_of_uri
from airflow_mlcraft.errors import DocumentError, MlcraftError, UnsupportedError

_PLACE = re.compile(r"(\S+?):(\d+):(\d+):\s*")
SUPPORTED_VERSIONS = ("v1.0", "v1.1", "v1.2")


@dataclass(frozen=True)
class LoadedDocument:
    """A document as cwltool holds it, and the texts it was made of, by URI."""

    process: Process
    uri: str
    cwl_version: str
    sources: dict[str, str]


def load(
    path: Path, fragment: str = "", *, allowed_hosts: Collection[str] = (), strict: bool = True
) -> LoadedDocument:
    """Load the process at `path` (`#fragment` of it); a `DocumentError` says what is wrong with it."""
    read: dict[str, str] = {}
    context = LoadingContext(
        {
            "construct_tool_object": default_make_tool,
            "fetcher_constructor": partial(_fetcher, allowed_hosts=allowed_hosts, read=read),
            # cwltool would start a Node process to lint each expression.
            "disable_js_validation": True,
            "strict": strict,
        }
    )
    uri = path.absolute().as_uri() + (f"#{fragment}" if fragment else "")
    with _readable_errors(path), _quiet("cwltool", "salad", "rdflib.term"):
        context, document, uri = fetch_document(uri, context)
        version = _version_of(document, path)
        context, uri = resolve_and_validate_document(context, document, uri)
        process = make_tool(_main_of(context, uri, fragment, path), context)
    return LoadedDocument(process, uri, version, read)


def _fetcher(cache: Any, session: Any, *, allowed_hosts: Collection[str], read: dict[str, str]) -> SourceFetcher:
    return SourceFetcher(cache, session, allowed_hosts=allowed_hosts, read=read)


def _version_of(document: Any, path: Path) -> str:
    if not isinstance(document, dict):
        raise DocumentError(
            f"expected a CWL document (a map with class and cwlVersion), found a {type(document).__name__}",
            path=str(path),
            line=1,
        )
    version = str(document.get("cwlVersion", "")).rpartition("#")[2].removeprefix("cwl:")
    if version not in SUPPORTED_VERSIONS and "cwl:tool" not in document:
        found = f"cwlVersion: {version}" if version else "no cwlVersion"
        line = document.lc.data["cwlVersion"][0] + 1 if version else 1
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
    used = {step["run"] for process in resolved for step in process.get("steps", ())
            if isinstance(step.get("run"), str)}
    tops = [process_id for process_id in ids if process_id not in used]
    workflows = [str(p["id"]) for p in resolved if p.get("class") == "Workflow" and str(p["id"]) in tops]
    for candidates in (workflows, tops):
        if len(candidates) == 1:
            return candidates[0]
    names = ", ".join("#" + urldefrag(process_id)[1] for process_id in ids)
    raise DocumentError(
        f"found several processes ({names}) and none called #main; say which one, as {path.name}#name",
        path=str(path),
        line=1,
    )


@contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except MlcraftError:
        raise
    except RecursionError:
        raise DocumentError("found a workflow that runs itself; a step may not run the workflow it is part of",
                            path=str(path)) from None
    except (SchemaSaladException, WorkflowException) as error:
        raise _document_error(error, path) from error
    except NotImplementedError as error:
        raise UnsupportedError(str(error) or "asks for a feature that is not implemented", path=str(path)) from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"found bytes that are not UTF-8 text ({error.reason})", path=str(path)) from error
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}", path=str(path)) from error


def _document_error(error: Exception, path: Path) -> DocumentError:
    leaves = error.leaves() if isinstance(error, SchemaSaladException) else []
    placed = [leaf for leaf in leaves if leaf.file and leaf.start]
    if not placed:
        return _error_from_text(str(error), path)
    first = placed[0]
    message = "; ".join(dict.fromkeys(_one_line(leaf.message) for leaf in leaves[:5]))
    if len(leaves) > len(leaves[:5]):
        message += f"; and {len(leaves) - 5} more"
    line, column = first.start or (None, None)
    return DocumentError(message, path=str(_file_of(first.file or str(path))), line=line, column=column)


def _error_from_text(text: str, path: Path) -> DocumentError:
    """Some of cwltool's errors carry their places in the text: the first is the error's, the rest are lines."""
    first = _PLACE.search(text)
    if not first:
        return DocumentError(_one_line(text), path=str(path))
    where = _file_of(first.group(1))
    text = text[: first.start()] + text[first.end() :]
    message = _one_line(_PLACE.sub(lambda place: f"(line {place.group(2)}) ", text))
    return DocumentError(message, path=str(where), line=int(first.group(2)), column=int(first.group(3)))


def _file_of(name: str) -> Path:
    return path_of_uri(name) if name.startswith("file:") else Path(name).absolute().resolve()


def _one_line(text: str) -> str:
    return " ".join(text.split())


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
    """A part of a loaded document as plain dictionaries and lists."""
    return convert_to_dict(node)
