"""What a model itself says, with a data frame and none of the server's short cuts: what answers are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow_mlcraft.serving.http.errors import Refusal, ServingError
from airflow_mlcraft.serving.http.request_reader import Reader
from airflow_mlcraft.serving.model.folder import ModelFolder, open_model
from airflow_mlcraft.serving.model.signature import Signature
from airflow_mlcraft.serving.model.tables import example_frame, frame_of, records_of, table_of

_MOST = 20


class Reference:
    """A model in this process."""

    def __init__(self, folder: ModelFolder, estimator: Any):
        self._folder, self._estimator = folder, estimator

    @classmethod
    def of(cls, path: Path) -> Reference:
        folder = open_model(path)
        return cls(folder, folder.load_estimator())

    def questions(self, rows: Sequence[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        """Rows as a client would send them, each with what the model says to it."""
        signature = _nullable(self._folder.signature)
        if rows is None:
            table = table_of(example_frame(self._folder), signature)
        else:
            known = [{name: row[name] for name in signature.names if name in row} for row in rows[:_MOST]]
            try:
                table = Reader(signature, _MOST).records(known)
            except Refusal as refusal:
                raise ServingError(f"the sample does not fit the model: {refusal.message}") from None
        try:
            said = self._estimator.predict(frame_of(table, signature))
        except Exception as error:
            raise ServingError(f"the model does not answer the rows that it is tried with: {error}") from error
        found = said.tolist() if hasattr(said, "tolist") else list(said)
        records = records_of(table, signature)
        return [{"row": row, "prediction": value} for row, value in zip(records, found, strict=True)]


def _nullable(signature: Signature) -> Signature:
    """The model itself decides here what it takes."""
    return replace(signature, columns=tuple(replace(column, nullable=True) for column in signature.columns))
