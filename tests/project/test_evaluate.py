"""Which metrics decide, of which type of prediction."""

from __future__ import annotations

import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project.evaluate import checked_metric

METRICS = {
    "classification": ["acc", "precision", "recall", "f1", "roc_auc"],
    "regression": ["rmse", "mae", "mse", "r2"],
}


@pytest.mark.parametrize("prediction", METRICS)
def test_metrics(prediction: str) -> None:
    for of, names in METRICS.items():
        for name in names:
            if of == prediction:
                assert checked_metric(prediction, name.upper()) == name
                continue
            with pytest.raises(MlcraftError, match=f"{name} is a metric for {of}, and this is {prediction}: ") as told:
                checked_metric(prediction, name)
            assert all(other in str(told.value) for other in METRICS[prediction])
