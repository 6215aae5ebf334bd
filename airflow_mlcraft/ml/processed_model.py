"""A model that takes rows as the source has them: the user's `process` runs on them first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.columns import as_kind
from airflow_mlcraft.ml.row_process import RowProcess, from_json, in_order, processor

if TYPE_CHECKING:
    import pandas as pd

_METHODS = ("predict", "predict_proba", "decision_function")


class ProcessedModel:
    """`process` and a fitted pipeline. It has the methods that the pipeline has."""

    def __init__(self, process: RowProcess, path: Path, model: Any):
        self.process = process
        self.model = model
        self._run = processor(path, process.params)

    def __getattr__(self, name: str) -> Any:
        if name in _METHODS:
            method = getattr(self.model, name)
            return lambda frame: method(self.features(frame))
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.model, name)

    def features(self, frame: pd.DataFrame) -> pd.DataFrame:
        """What the pipeline reads: one row for each row of the frame."""
        raw = self.process.typed(frame.reset_index(drop=True))
        made = in_order(self._run(raw), raw, self.process.file)
        self._check(made)
        return made

    def _check(self, made: pd.DataFrame) -> None:
        """The pipeline would take what is no number for a missing one."""
        formats = getattr(self.model[0], "formats", None) or {}
        for name, kind in self.model[0].kinds.items():
            if name not in made.columns:
                continue
            wrong = made[name].notna() & as_kind(made[name], kind, formats.get(name, "")).isna()
            if wrong.any():
                place = int(wrong.to_numpy().argmax())
                raise StepError(
                    f"{self.process.file}: process() gives {made[name].iloc[place]!r} for {name!r} of row {place + 1}; "
                    f"expected a {kind}"
                )


def with_process(described: dict[str, Any], path: Path, model: Any) -> ProcessedModel:
    """The model of a folder whose model.json describes a `process`; its file is the one at `path`."""
    return ProcessedModel(from_json({**described, "source": ""}), path, model)
