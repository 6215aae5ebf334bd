"""`predict`: a model and data in; the data with predictions out."""

from __future__ import annotations

import argparse
from pathlib import Path

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.record import Record
from airflow_mlcraft.steps.services import Services

FILE = "predictions.csv"
PREDICTION = "prediction"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--model", required=True, metavar="FOLDER", help="the model, as `train` makes it")
    parser.add_argument("--data", required=True, metavar="FILE", help="the rows to predict for")


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write predictions.csv: all columns, the prediction, and for classes the probability of each."""
    from airflow_mlcraft.ml.fit import on_cores
    from airflow_mlcraft.steps.models import kept_model

    kept = kept_model(folder, options.model, "model")
    frame = inputs.frame(folder, options.data, "data").rename(columns=str)
    with on_cores(1):
        made = {PREDICTION: kept.model.predict(frame)}
        if hasattr(kept.model, "predict_proba"):
            found = kept.model.predict_proba(frame)
            made |= {f"probability_{label}": found[:, place] for place, label in enumerate(kept.model.classes_)}
    if taken := [name for name in made if name in frame.columns]:
        raise StepError(f"--data has a column {taken[0]!r} already, which would hold the prediction; rename it")
    frame.assign(**made).to_csv(folder / FILE, index=False)
    record = Record()
    record.param(model=kept.name, target=kept.card["target"])
    record.metric({"rows": len(frame)})
    record.dataset("data", Path(options.data).name, "prediction", {"rows": len(frame), "columns": len(frame.columns)})
    record.artifact("predictions")
    record.write(folder)
    services.say(f"{len(frame)} predictions of {kept.card['target']!r} by {kept.name}")
