"""What entities are called: sources by their path in the crate, their parts by a fragment of it."""

from __future__ import annotations

from urllib.parse import quote, unquote

from airflow_mlcraft.cwl.portable import SCHEME

WORKFLOW = "workflow"
"""The folder of the document's files."""
DATA = "data"
"""The folder of the files that the run read and made."""

_SAFE = "/._-~"


def short_name(port_id: str) -> str:
    """The name of an input or output, of its URI."""
    return port_id.rpartition("#")[2].rpartition("/")[2]


def part_of(owner: str, *path: str) -> str:
    """The id of a part of a file, or of a part of such a part."""
    tail = "/".join(quote(name, safe=_SAFE) for name in path)
    return f"{owner}/{tail}" if "#" in owner else f"{owner}#{tail}"


def id_of_uri(uri: str) -> str:
    """The id of a process that has a name of its own; empty when it is nameless."""
    if uri.startswith("_:"):
        return ""
    if not uri.startswith(SCHEME):
        return uri
    path, _, fragment = uri.removeprefix(SCHEME).partition("#")
    file = id_of_file(unquote(path))
    return part_of(file, unquote(fragment)) if fragment else file


def id_of_file(path: str) -> str:
    """The id of a file of the document."""
    return quote(f"{WORKFLOW}/{path}")
