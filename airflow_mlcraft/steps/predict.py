"""`predict`: adds the predictions of a model to data."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.record import Record
from airflow_mlcraft.steps.services import Services

if TYPE_CHECKING:
    import pandas as pd

FILE = "predictions.csv"
PREDICTION = "prediction"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this step."""
    parser.add_argument("--model", required=True, metavar="FOLDER", help="the model, as `train` makes it")
    parser.add_argument("--data", required=True, metavar="FILE", help="the rows to predict for")


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write predictions.csv: all columns of the data, the prediction, and for classes the probability of each.

    Rows are read, predicted and written in batches, so that memory does not grow with their number.
    """
    from airflow_mlcraft.ml.fit import limit_threads
    from airflow_mlcraft.steps.models import input_columns, load_model
    from airflow_mlcraft.tracking.user_process import with_user_process

    stored = load_model(folder, options.model, "model")
    model, features = with_user_process(stored.model, stored.folder), input_columns(stored.card)
    part = folder / f".{FILE}"
    rows = columns = 0
    try:
        with part.open("w", encoding="utf-8", newline="") as stream, limit_threads(1):
            for frame in inputs.batches(folder, options.data, "data"):
                _check(frame, features, rows)
                columns = len(frame.columns)
                _add_predictions(model, frame).to_csv(stream, index=False, header=rows == 0)
                rows += len(frame)
        part.replace(folder / FILE)
    finally:
        part.unlink(missing_ok=True)
    record = Record()
    record.add_params(model=stored.name, target=stored.card["target"])
    record.add_metrics({"rows": rows})
    record.add_dataset("data", Path(options.data).name, "prediction", {"rows": rows, "columns": columns})
    record.add_artifact("predictions")
    record.write(folder)
    services.log(f"{rows} predictions of {stored.card['target']!r} by {stored.name}")


def _add_predictions(model: Any, frame: pd.DataFrame) -> pd.DataFrame:
    from airflow_mlcraft.ml.row_hash import ROW_HASH

    with _translate_errors():
        columns = {PREDICTION: model.predict(frame)}
        if hasattr(model, "predict_proba"):
            probabilities = model.predict_proba(frame)
            columns |= {f"probability_{label}": probabilities[:, place] for place, label in enumerate(model.classes_)}
    if existing := [name for name in columns if name in frame.columns]:
        raise StepError(f"--data has a column {existing[0]!r} already, which would hold the prediction; rename it")
    # The test part of a training has the hashes of its rows, which users need not see.
    return frame.drop(columns=ROW_HASH, errors="ignore").assign(**columns)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise errors of a model as `StepError` about the data, in the same words as the server."""
    try:
        yield
    except (ValueError, ArithmeticError) as error:
        raise StepError(f"--data: the model cannot answer these rows: {' '.join(str(error).split())}") from error


def _check(frame: pd.DataFrame, features: list[dict[str, Any]], before: int) -> None:
    """Raise an error for values that are no numbers, as the server does; the model would treat them as missing.

    `before` is the number of earlier rows.
    """
    from airflow_mlcraft.ml.columns import to_kind

    for feature in features:
        name, kind = feature["name"], feature["kind"]
        if name not in frame.columns:
            continue
        wrong = frame[name].notna() & to_kind(frame[name], kind, feature.get("format", "")).isna()
        if wrong.any():
            expected = f"{kind} as {feature['format']}" if feature.get("format") else kind
            place = int(wrong.to_numpy().argmax())
            raise StepError(
                f"--data: {name!r} of row {before + place + 1} is {frame[name].iloc[place]!r}; expected a {expected}"
            )
