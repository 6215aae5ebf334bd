"""Documents with errors, each as an import error in Airflow under the document's own name.

Airflow has one import error for each DAG file, and one DAG file loads all documents of a folder. But it reports a DAG
that cannot be serialized under the DAG's own location, and keeps the others: so a broken document is loaded as a DAG
that raises the document's error when it is serialized.
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
    """The error of a document. As a SyntaxError, Python prints it with file, line and the line's text."""


class BrokenDocument(DAG):
    """The DAG of a document with an error; serializing it raises that error."""

    def __init__(self, dag_id: str, path: Path, error: MlcraftError) -> None:
        super().__init__(dag_id, schedule=None)
        self._document = path
        self._error = error

    @property
    def relative_fileloc(self) -> str:
        """The path that Airflow reports the error under; Airflow sets it to the DAG file's, which is ignored."""
        return os.path.relpath(self._document)

    @relative_fileloc.setter
    def relative_fileloc(self, value: str | None) -> None:
        pass

    def validate(self) -> None:
        """Skip this DAG outside of the DAG processor: commands would stop at the first error."""
        if not in_dag_processor():
            raise AirflowClusterPolicySkipDag(str(self._error))

    def get_serialized_fields(self) -> Any:  # type: ignore[override]
        """Raise the error; serialization calls this method first."""
        raise to_import_error(self._document, self._error) from None


def to_import_error(path: Path, error: MlcraftError) -> DocumentImportError:
    """A document's error as an import error, with the text of its line."""
    if not isinstance(error, DocumentError) or not error.line:
        return DocumentImportError(str(error))
    where = Path(error.path or path)
    try:
        text = where.read_text(encoding="utf-8").splitlines()[error.line - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        text = ""
    return DocumentImportError(error.message, (str(where), error.line, error.column or 1, text))
