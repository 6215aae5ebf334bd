"""Shipped documents, copied into the folder with all that they refer to."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from airflow_mlcraft.cwl.discover import SUFFIXES
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.library.catalogue import SHIPPED, shipped_path
from airflow_mlcraft.library.folder import DocumentFolder, read_text
from airflow_mlcraft.library.references import moved, references_of
from airflow_mlcraft.library.refusals import BadNameError, NoSuchDocumentError


def take(folder: DocumentFolder, path: str, to: str, may_write: Callable[[str], object]) -> tuple[str, list[str]]:
    """Copy the shipped document at `path`; the copy's version, and what else came along.

    A document that the folder has already is left as it is.
    """
    if not path.startswith(SHIPPED):
        raise BadNameError(f"{path} is no shipped document; duplicate it")
    name = path.removeprefix(SHIPPED)
    text = read_text(shipped_path(path), path).text
    brought: dict[str, str] = {}
    _gather(folder, name, text, brought)
    for other in brought:
        may_write(other)
    version = folder.save(to, moved(text, name, to), None)
    for other, content in brought.items():
        folder.save(other, content, None)
    return version, list(brought)


def _gather(folder: DocumentFolder, name: str, text: str, brought: dict[str, str]) -> None:
    for found in references_of(text, name):
        other = posixpath.normpath(found.target)
        if other in brought or not other.endswith(SUFFIXES):
            continue
        try:
            folder.read(other)
        except NoSuchDocumentError:
            brought[other] = read_text(shipped_path(SHIPPED + other), other).text
            _gather(folder, other, brought[other], brought)
        except MlcraftError:
            continue
