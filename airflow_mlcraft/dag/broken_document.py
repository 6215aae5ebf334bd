"""A document that cannot be used, shown by Airflow as one import error under the document's own name.

Airflow knows import errors by DAG file, and one DAG file holds all documents of a folder. Its DAG processor
reports a DAG that cannot be serialized under the DAG's own location, and keeps the others: so a broken
document stands among the DAGs as one that says, when it is serialized, what is wrong with the document.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.exceptions import AirflowClusterPolicySkipDag, SerializationError
from airflow.sdk import DAG

from airflow_mlcraft.dag.parse_time_limit import in_dag_processor
from airflow_mlcraft.errors import DocumentError, MlcraftError


class DocumentImportError(SerializationError, SyntaxError):
    """Python prints a SyntaxError with file, line and the line's text: just what a broken document needs."""


class BrokenDocument(DAG):
    """Stands for a document with an error."""

    def __init__(self, dag_id: str, path: Path, error: MlcraftError) -> None:
        # Airflow writes the DAG file's own name into these two.
        super().__init__(dag_id, schedule=None)
        self._document = path
        self._error = error

    @property
    def relative_fileloc(self) -> str:
        """Where Airflow files the error."""
        return os.path.relpath(self._document)

    @relative_fileloc.setter
    def relative_fileloc(self, value: str | None) -> None:
        pass

    def validate(self) -> None:
        """Leave quietly where nobody collects errors by location: commands would stop at the first one."""
        if not in_dag_processor():
            raise AirflowClusterPolicySkipDag(str(self._error))

    def get_serialized_fields(self) -> Any:  # type: ignore[override]
        """The first thing that Airflow asks for when it serializes."""
        raise import_error(self._document, self._error) from None


def import_error(path: Path, error: MlcraftError) -> DocumentImportError:
    """The error with the line it is about."""
    if not isinstance(error, DocumentError) or not error.line:
        return DocumentImportError(str(error))
    where = Path(error.path or path)
    try:
        text = where.read_text(encoding="utf-8").splitlines()[error.line - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        text = ""
    return DocumentImportError(error.message, (str(where), error.line, error.column or 1, text))
