"""What is wrong with a document, as one sentence with its place, out of what cwltool and its parts raise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urldefrag

from cwltool.errors import WorkflowException
from ruamel.yaml.reader import ReaderError
from schema_salad.exceptions import SchemaSaladException

from airflow_mlcraft.cwl.errors.document_shapes import wrong_shape_at
from airflow_mlcraft.cwl.errors.source_positions import (
    deepest_at,
    empty_field_at,
    import_at,
    line_at,
    line_of_text,
    run_of_itself,
    step_at,
)
from airflow_mlcraft.cwl.sources import path_of_uri
from airflow_mlcraft.errors import DocumentError, MlcraftError, UnsupportedError

_PLACE = re.compile(r"(\S+?):(\d+):(\d+):\s*")
_NOISE = re.compile(r"\(\d+\) \(\S+\) ")
_URI = re.compile(r"file:///[^\s'\"\],]+")
_UNFIT = re.compile(
    r"(?P<source>Source '[^']*' of type .*?) is incompatible \(line (?P<line>\d+)\) with "
    r"(?P<sink>sink '[^']*' of type .*?)(?= \(line \d+\) Source '| Source '|$)"
)
"""A link whose ends are of different types; cwltool names all such links of a workflow in one breath."""
_INTO = re.compile(r"Validation error in (?:field ([\w$]+)|position (\d+)):?\s*")
"""schema-salad's way from the document's root to a fault; in a map, a position is one among the sorted names."""
_MISSING = re.compile(r"\[Errno 2\] No such file or directory: '([^']*)'")
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"|`([^`]+)`|#([\w./-]+)|(\$?\w*Requirement)")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_DEEP = 100
_TOO_MANY = "found more steps that wait for each other, one after the other, than can be followed"
_CONTENT = re.compile(r"^\s*[^\s#]", re.MULTILINE)


@contextmanager
def readable_errors(path: Path, read: Mapping[str, str], fragment: str = "") -> Iterator[None]:
    """`read` are the texts that were read until the error, by URI."""
    try:
        yield
    except MlcraftError:
        raise
    except RecursionError:
        uri = path.absolute().as_uri() + (f"#{fragment}" if fragment else "")
        raise endless(uri, read) or DocumentError(_TOO_MANY, path=str(path)) from None
    except (SchemaSaladException, WorkflowException) as error:
        raise _with_some_line(_with_line(_document_error(error, path), str(error), read), path, read) from error
    except NotImplementedError as error:
        unsupported = UnsupportedError(str(error) or "asks for a feature that is not implemented", path=str(path))
        raise _with_some_line(unsupported, path, read) from error
    except UnicodeDecodeError as error:
        raise _not_utf8(error, path) from error
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or error}", path=str(path)) from error
    except Exception as error:
        # cwltool stumbles over some mistakes instead of naming them; one document must not take others along.
        raise _with_some_line(_stumbled(error, path, read), path, read) from error


def endless(uri: str, read: Mapping[str, str]) -> DocumentError | None:
    """Why a document cannot be followed to its end: a workflow inside itself, or values inside values."""
    try:
        place = run_of_itself(uri, read)
    except RecursionError:
        place = None
    if place is not None:
        return DocumentError(
            "found a workflow that runs itself; a step may not run the workflow it is part of",
            path=str(path_of_uri(place.uri)),
            line=place.line,
        )
    deepest = max(((deepest_at(text), file) for file, text in read.items()), default=None)
    if deepest is None or deepest[0][0] < _DEEP:
        return None
    (depth, line), file = deepest
    return DocumentError(
        f"found values nested {depth} deep, which is more than can be read", path=str(path_of_uri(file)), line=line
    )


def parts_of(error: DocumentError) -> list[DocumentError]:
    """The faults that an error names together, each with its own place, as far as cwltool tells them apart."""
    cause = error.__cause__
    leaves = cause.leaves() if isinstance(cause, SchemaSaladException) else []
    placed = [leaf for leaf in leaves if leaf.file and leaf.start]
    if placed:
        return [
            DocumentError(
                _short(leaf.message, Path(error.path)), path=str(_file_of(str(leaf.file))), line=line, column=column
            )
            for leaf in placed
            for line, column in [leaf.start or (None, None)]
        ]
    links = [
        DocumentError(f"{found['source']} does not fit {found['sink']}", path=error.path, line=int(found["line"]))
        for found in _UNFIT.finditer(error.message)
    ]
    return links or [error]


def _with_line(error: DocumentError, text: str, read: Mapping[str, str]) -> DocumentError:
    """Some of cwltool's errors name what they are about by its URI alone."""
    if error.line:
        return error
    places = set()
    for uri in _URI.findall(text):
        file, fragment = urldefrag(uri)
        if file in read:
            line = step_at(read[file], fragment.rpartition("/")[2]) if fragment else import_at(read[file])
            places |= {(str(path_of_uri(file)), line)} if line else set()
    # cwltool names the steps of a circle in any order.
    first, line = min(places, default=(error.path, None))
    return DocumentError(error.message, path=first, line=line)


def _with_some_line(error: DocumentError, path: Path, read: Mapping[str, str]) -> DocumentError:
    """The error with a line in any case: where cwltool's path into the document leads, where a name stands, or 1."""
    if error.line:
        return error
    uri = Path(error.path or path).absolute().as_uri()
    text = read.get(uri) or read.get(path.absolute().as_uri(), "")
    steps = [name or int(number) for name, number in _INTO.findall(error.message)]
    message = _MISSING.sub(r"there is no file \1", _INTO.sub("", error.message)).strip()
    line = line_at(text, steps) if steps else None
    named = [name for names in _QUOTED.findall(message) for name in names if name]
    return type(error)(message, path=error.path, line=line or line_of_text(text, named) or 1)


def _not_utf8(error: UnicodeDecodeError, path: Path) -> DocumentError:
    message = f"found bytes that are not UTF-8 text ({error.reason})"
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError as own:
        return DocumentError(message, path=str(path), line=own.object[: own.start].count(b"\n") + 1)
    return DocumentError(f"{message} in a file that it refers to", path=str(path))


def _stumbled(error: Exception, path: Path, read: Mapping[str, str]) -> DocumentError:
    if isinstance(error, StopIteration):
        empty = [path_of_uri(uri) for uri, text in read.items() if not _CONTENT.search(text)]
        return DocumentError("found an empty file, expected a CWL document", path=str((empty or [path])[0]), line=1)
    if isinstance(error, ReaderError):
        return _unreadable_character(error, path, read)
    if isinstance(error, UnicodeEncodeError):
        return _half_a_character(path, read)
    own = read.get(path.absolute().as_uri(), "")
    if line := empty_field_at(own):
        return DocumentError(
            f"cannot be understood ({_one_line(str(error))}); look at the field that is empty",
            path=str(path),
            line=line,
        )
    for uri, text in sorted(read.items(), key=lambda item: item[0] != path.absolute().as_uri()):
        if shape := wrong_shape_at(text):
            return DocumentError(shape[1], path=str(path_of_uri(uri)), line=shape[0])
    return DocumentError(
        f"cannot be understood, and cwltool does not say why ({type(error).__name__}: {_one_line(str(error))}); "
        "look for a field that is empty or of the wrong type",
        path=str(path),
    )


def _half_a_character(path: Path, read: Mapping[str, str]) -> DocumentError:
    """YAML does not put the two halves together that JSON writes some characters as."""
    for uri, text in read.items():
        if found := _SURROGATE.search(text):
            line = text.count("\n", 0, found.start()) + 1
            message = f"found {found[0]}, which is half of a character; write the character itself"
            return DocumentError(message, path=str(path_of_uri(uri)), line=line)
    return DocumentError("found half of a character that UTF-8 text cannot hold", path=str(path))


def _unreadable_character(error: ReaderError, path: Path, read: Mapping[str, str]) -> DocumentError:
    before = read.get(str(error.name), "")[: error.position]
    return DocumentError(
        f"found the control character #x{error.character:02x}, which YAML does not allow",
        path=str(path_of_uri(error.name) if error.name in read else path),
        line=before.count("\n") + 1 if before else None,
    )


def _document_error(error: Exception, path: Path) -> DocumentError:
    leaves = error.leaves() if isinstance(error, SchemaSaladException) else []
    placed = [leaf for leaf in leaves if leaf.file and leaf.start]
    if not placed:
        return _error_from_text(str(error), path)
    first = placed[0]
    message = "; ".join(dict.fromkeys(_short(leaf.message, path) for leaf in leaves[:5]))
    if len(leaves) > len(leaves[:5]):
        message += f"; and {len(leaves) - 5} more"
    line, column = first.start or (None, None)
    return DocumentError(message, path=str(_file_of(first.file or str(path))), line=line, column=column)


def _error_from_text(text: str, path: Path) -> DocumentError:
    """Some of cwltool's errors carry their places in the text: the first is the error's, the rest are lines."""
    if text.startswith("Tool definition"):
        # The fault is in a file that a step runs, and told from the outermost object to the innermost.
        text = text[max((place.start() for place in _PLACE.finditer(text)), default=0) :]
    first = _PLACE.search(text)
    if not first:
        return DocumentError(_short(text, path), path=str(path))
    where = _file_of(first.group(1))
    text = text[: first.start()] + text[first.end() :]
    message = _short(_PLACE.sub(lambda place: f"(line {place.group(2)}) ", text), path)
    return DocumentError(message, path=str(where), line=int(first.group(2)), column=int(first.group(3)))


def _file_of(name: str) -> Path:
    return path_of_uri(name) if name.startswith("file:") else Path(name).absolute().resolve()


def _short(text: str, path: Path) -> str:
    """An error's text without cwltool's notes to itself, and with references as short as in the document."""
    return _one_line(_NOISE.sub("", text).replace(path.parent.absolute().as_uri() + "/", ""))


def _one_line(text: str) -> str:
    return " ".join(text.split())
