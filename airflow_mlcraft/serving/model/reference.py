"""Reference predictions: a model called in this process with a data frame, without the server's fast functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow_mlcraft.serving.http.errors import RequestError, ServingError
from airflow_mlcraft.serving.http.request_reader import RequestReader
from airflow_mlcraft.serving.model.folder import ModelFolder, read_model_folder
from airflow_mlcraft.serving.model.signature import Signature
from airflow_mlcraft.serving.model.tables import load_example_frame, table_from_frame, table_to_frame, table_to_records

_MAX_ROWS = 20


class ReferenceModel:
    """A model called with a data frame; the server's predictions are compared with its own."""

    def __init__(self, folder: ModelFolder, estimator: Any):
        self._folder, self._estimator = folder, estimator

    @classmethod
    def load(cls, path: Path) -> ReferenceModel:
        folder = read_model_folder(path)
        return cls(folder, folder.load_estimator())

    def predict_rows(self, rows: Sequence[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        """Rows as a client would send them, each with its prediction; by default those of the input example."""
        signature = _make_nullable(self._folder.signature)
        if rows is None:
            table = table_from_frame(load_example_frame(self._folder), signature)
        else:
            selected = [{name: row[name] for name in signature.names if name in row} for row in rows[:_MAX_ROWS]]
            try:
                table = RequestReader(signature, _MAX_ROWS).read_records(selected)
            except RequestError as error:
                raise ServingError(f"the sample does not fit the model: {error.message}") from None
        try:
            result = self._estimator.predict(table_to_frame(table, signature))
        except Exception as error:
            raise ServingError(f"the model does not answer the rows that it is tried with: {error}") from error
        predictions = result.tolist() if hasattr(result, "tolist") else list(result)
        records = table_to_records(table, signature)
        return [{"row": row, "prediction": value} for row, value in zip(records, predictions, strict=True)]


def _make_nullable(signature: Signature) -> Signature:
    """The signature with all columns nullable: the model itself refuses missing values that it does not take."""
    return replace(signature, columns=tuple(replace(column, nullable=True) for column in signature.columns))
