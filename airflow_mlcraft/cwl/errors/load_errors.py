"""Conversion of the exceptions of cwltool and its libraries to a `DocumentError` with one message and a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urldefrag

from cwltool.errors import WorkflowException
from ruamel.yaml.reader import ReaderError
from schema_salad.exceptions import SchemaSaladException

from airflow_mlcraft.cwl.errors.document_shapes import find_shape_fault
from airflow_mlcraft.cwl.errors.source_positions import (
    find_deepest,
    find_empty_field_line,
    find_import_line,
    find_path_line,
    find_self_run,
    find_step_line,
    find_text_line,
)
from airflow_mlcraft.cwl.sources import uri_to_path
from airflow_mlcraft.errors import DocumentError, MlcraftError, UnsupportedError

_POSITION = re.compile(r"(\S+?):(\d+):(\d+):\s*")
_CWLTOOL_PREFIX = re.compile(r"\(\d+\) \(\S+\) ")
_URI = re.compile(r"file:///[^\s'\"\],]+")
_TYPE_MISMATCH = re.compile(
    r"(?P<source>Source '[^']*' of type .*?) is incompatible \(line (?P<line>\d+)\) with "
    r"(?P<sink>sink '[^']*' of type .*?)(?= \(line \d+\) Source '| Source '|$)"
)
"""A link between different types; cwltool puts all such links of a workflow into one error."""
_PATH_STEP = re.compile(r"Validation error in (?:field ([\w$]+)|position (\d+)):?\s*")
"""schema-salad's path from the document's root to a fault; in a map, a position refers to the sorted names."""
_MISSING_FILE = re.compile(r"\[Errno 2\] No such file or directory: '([^']*)'")
_QUOTED_NAME = re.compile(r"'([^']+)'|\"([^\"]+)\"|`([^`]+)`|#([\w./-]+)|(\$?\w*Requirement)")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_MAX_DEPTH = 100
_TOO_MANY_STEPS = "found more steps that wait for each other, one after the other, than can be followed"
_CONTENT = re.compile(r"^\s*[^\s#]", re.MULTILINE)


@contextmanager
def readable_errors(path: Path, read: Mapping[str, str], fragment: str = "") -> Iterator[None]:
    """Raise the errors of the block as `DocumentError`. `read` has the texts that were read until then, by URI."""
    try:
        yield
    except MlcraftError:
        raise
    except RecursionError:
        uri = path.absolute().as_uri() + (f"#{fragment}" if fragment else "")
        raise find_endless_nesting(uri, read) or DocumentError(_TOO_MANY_STEPS, path=str(path)) from None
    except (SchemaSaladException, WorkflowException) as error:
        raise _add_line(_add_line_from_uri(_document_error(error, path), str(error), read), path, read) from error
    except NotImplementedError as error:
        unsupported = UnsupportedError(str(error) or "asks for a feature that is not implemented", path=str(path))
        raise _add_line(unsupported, path, read) from error
    except UnicodeDecodeError as error:
        raise _encoding_error(error, path) from error
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}", path=str(path)) from error
    except Exception as error:
        # cwltool raises arbitrary exceptions for some mistakes; they must not affect other documents.
        raise _add_line(_unexpected_error(error, path, read), path, read) from error


def find_endless_nesting(uri: str, read: Mapping[str, str]) -> DocumentError | None:
    """The error of an endless document: a workflow inside itself, or values nested too deeply; None for none."""
    try:
        place = find_self_run(uri, read)
    except RecursionError:
        place = None
    if place is not None:
        return DocumentError(
            "found a workflow that runs itself; a step may not run the workflow it is part of",
            path=str(uri_to_path(place.uri)),
            line=place.line,
        )
    deepest = max(((find_deepest(text), file) for file, text in read.items()), default=None)
    if deepest is None or deepest[0][0] < _MAX_DEPTH:
        return None
    (depth, line), file = deepest
    return DocumentError(
        f"found values nested {depth} deep, which is more than can be read", path=str(uri_to_path(file)), line=line
    )


def split_errors(error: DocumentError) -> list[DocumentError]:
    """The separate errors that an error combines, each with its position, as far as cwltool reports them."""
    cause = error.__cause__
    leaves = cause.leaves() if isinstance(cause, SchemaSaladException) else []
    located = [leaf for leaf in leaves if leaf.file and leaf.start]
    if located:
        return [
            DocumentError(
                _shorten_message(leaf.message, Path(error.path)),
                path=str(_to_path(str(leaf.file))),
                line=line,
                column=column,
            )
            for leaf in located
            for line, column in [leaf.start or (None, None)]
        ]
    mismatches = [
        DocumentError(f"{found['source']} does not fit {found['sink']}", path=error.path, line=int(found["line"]))
        for found in _TYPE_MISMATCH.finditer(error.message)
    ]
    return mismatches or [error]


def _add_line_from_uri(error: DocumentError, text: str, read: Mapping[str, str]) -> DocumentError:
    """The error with the position of a URI in its text, for errors of cwltool without another position."""
    if error.line:
        return error
    positions = set()
    for uri in _URI.findall(text):
        file, fragment = urldefrag(uri)
        if file in read:
            line = find_step_line(read[file], fragment.rpartition("/")[2]) if fragment else find_import_line(read[file])
            positions |= {(str(uri_to_path(file)), line)} if line else set()
    # The order in which cwltool lists the steps of a cycle is arbitrary.
    first, line = min(positions, default=(error.path, None))
    return DocumentError(error.message, path=first, line=line)


def _add_line(error: DocumentError, path: Path, read: Mapping[str, str]) -> DocumentError:
    """The error with a line: the one of cwltool's path into the document, of a name in the message, or 1."""
    if error.line:
        return error
    uri = Path(error.path or path).absolute().as_uri()
    text = read.get(uri) or read.get(path.absolute().as_uri(), "")
    steps = [name or int(number) for name, number in _PATH_STEP.findall(error.message)]
    message = _MISSING_FILE.sub(r"there is no file \1", _PATH_STEP.sub("", error.message)).strip()
    line = find_path_line(text, steps) if steps else None
    quoted_names = [name for names in _QUOTED_NAME.findall(message) for name in names if name]
    return type(error)(message, path=error.path, line=line or find_text_line(text, quoted_names) or 1)


def _encoding_error(error: UnicodeDecodeError, path: Path) -> DocumentError:
    message = f"found bytes that are not UTF-8 text ({error.reason})"
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError as own_error:
        return DocumentError(message, path=str(path), line=own_error.object[: own_error.start].count(b"\n") + 1)
    return DocumentError(f"{message} in a file that it refers to", path=str(path))


def _unexpected_error(error: Exception, path: Path, read: Mapping[str, str]) -> DocumentError:
    if isinstance(error, StopIteration):
        empty = [uri_to_path(uri) for uri, text in read.items() if not _CONTENT.search(text)]
        return DocumentError("found an empty file, expected a CWL document", path=str((empty or [path])[0]), line=1)
    if isinstance(error, ReaderError):
        return _control_character_error(error, path, read)
    if isinstance(error, UnicodeEncodeError):
        return _surrogate_error(path, read)
    own_text = read.get(path.absolute().as_uri(), "")
    if line := find_empty_field_line(own_text):
        return DocumentError(
            f"cannot be understood ({_one_line(str(error))}); look at the field that is empty",
            path=str(path),
            line=line,
        )
    for uri, text in sorted(read.items(), key=lambda item: item[0] != path.absolute().as_uri()):
        if fault := find_shape_fault(text):
            return DocumentError(fault[1], path=str(uri_to_path(uri)), line=fault[0])
    return DocumentError(
        f"cannot be understood, and cwltool does not say why ({type(error).__name__}: {_one_line(str(error))}); "
        "look for a field that is empty or of the wrong type",
        path=str(path),
    )


def _surrogate_error(path: Path, read: Mapping[str, str]) -> DocumentError:
    """An error about a surrogate: JSON writes some characters as two, which YAML does not combine."""
    for uri, text in read.items():
        if found := _SURROGATE.search(text):
            line = text.count("\n", 0, found.start()) + 1
            message = f"found {found[0]}, which is half of a character; write the character itself"
            return DocumentError(message, path=str(uri_to_path(uri)), line=line)
    return DocumentError("found half of a character that UTF-8 text cannot hold", path=str(path))


def _control_character_error(error: ReaderError, path: Path, read: Mapping[str, str]) -> DocumentError:
    before = read.get(str(error.name), "")[: error.position]
    return DocumentError(
        f"found the control character #x{error.character:02x}, which YAML does not allow",
        path=str(uri_to_path(error.name) if error.name in read else path),
        line=before.count("\n") + 1 if before else None,
    )


def _document_error(error: Exception, path: Path) -> DocumentError:
    leaves = error.leaves() if isinstance(error, SchemaSaladException) else []
    located = [leaf for leaf in leaves if leaf.file and leaf.start]
    if not located:
        return _error_from_text(str(error), path)
    first = located[0]
    message = "; ".join(dict.fromkeys(_shorten_message(leaf.message, path) for leaf in leaves[:5]))
    if len(leaves) > len(leaves[:5]):
        message += f"; and {len(leaves) - 5} more"
    line, column = first.start or (None, None)
    return DocumentError(message, path=str(_to_path(first.file or str(path))), line=line, column=column)


def _error_from_text(text: str, path: Path) -> DocumentError:
    """An error from a text with positions: the first one is the error's, the others become lines in the message."""
    if text.startswith("Tool definition"):
        # The fault is in a file that a step runs; the text goes from the outermost object to the innermost.
        text = text[max((place.start() for place in _POSITION.finditer(text)), default=0) :]
    first = _POSITION.search(text)
    if not first:
        return DocumentError(_shorten_message(text, path), path=str(path))
    where = _to_path(first.group(1))
    text = text[: first.start()] + text[first.end() :]
    message = _shorten_message(_POSITION.sub(lambda place: f"(line {place.group(2)}) ", text), path)
    return DocumentError(message, path=str(where), line=int(first.group(2)), column=int(first.group(3)))


def _to_path(name: str) -> Path:
    return uri_to_path(name) if name.startswith("file:") else Path(name).absolute().resolve()


def _shorten_message(text: str, path: Path) -> str:
    """An error's text without cwltool's internal prefixes, and with references as short as in the document."""
    return _one_line(_CWLTOOL_PREFIX.sub("", text).replace(path.parent.absolute().as_uri() + "/", ""))


def _one_line(text: str) -> str:
    return " ".join(text.split())
