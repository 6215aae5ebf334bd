"""The files that a document is made of, as they were read, and what the document says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_mlcraft import settings

_LICENSE = ("https://schema.org/license", "http://schema.org/license")
_SECRETS = "http://commonwl.org/cwltool#Secrets"


@dataclass(frozen=True)
class Source:
    """A document's files by path, relative to the folder they have in common."""

    main: str
    texts: Mapping[str, str]
    license: str
    secrets: frozenset[str]
    """The inputs whose values are nobody's business."""


def source_of(document: str, folder: str) -> Source:
    """Read a document (`path` or `path#id`), whose files are all below a folder. Raises `DocumentError`."""
    from airflow_mlcraft.cwl.load import load
    from airflow_mlcraft.cwl.sources import path_of_uri

    path, _, fragment = document.partition("#")
    loaded = load(Path(path), fragment, allowed_hosts=settings.get_list("allowed_document_hosts"))
    base = Path(folder)
    # What was read from the network has its address in the crate, and stays where it is.
    local = {path_of_uri(uri): text for uri, text in loaded.sources.items() if uri.startswith("file:")}
    hidden: Any = loaded.process.get_requirement(_SECRETS)[0] or {}
    return Source(
        main=Path(path).absolute().relative_to(base).as_posix(),
        texts={file.relative_to(base).as_posix(): text for file, text in local.items()},
        license=_license_of(loaded.process.tool),
        secrets=frozenset(name.rpartition("#")[2].rpartition("/")[2] for name in hidden.get("secrets", ())),
    )


def _license_of(tool: Mapping[str, Any]) -> str:
    return next((str(tool[name]) for name in _LICENSE if tool.get(name)), "")
