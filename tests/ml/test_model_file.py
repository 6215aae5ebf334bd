"""Model files: the same bytes for the same model, in another process too, and loaded without being told to trust."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.estimators import ESTIMATORS, build_estimator
from airflow_mlcraft.ml.model_file import save_model
from airflow_mlcraft.ml.preparation import build_pipeline
from airflow_mlcraft.tracking import pyfunc_model
from tests.ml.samples import diabetes, generate_mixed_table, split_with_recipe
from tests.steps.processed import read_files

FAST: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 8},
    "extra_trees": {"n_estimators": 8},
    "gradient_boosting": {"n_estimators": 5},
    "hist_gradient_boosting": {"max_iter": 5},
    "neural_network": {"max_iter": 20},
    "lightgbm": {"n_estimators": 8},
    "xgboost": {"n_estimators": 8},
    "catboost": {"iterations": 8},
}


def fit_model(task: str, name: str) -> tuple[Any, Any]:
    recipe, train, test = split_with_recipe(
        generate_mixed_table() if task == "classification" else diabetes().head(150)
    )
    model = build_pipeline(recipe, build_estimator(task, name, FAST.get(name, {}), 1))
    return model.fit(recipe.typed(train), recipe.truth(train)), test


def _save(model: Any, folder: Path) -> Path:
    folder.mkdir()
    return save_model(model, folder / "model.skops")


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(("task", "name"), [(task, name) for task, known in ESTIMATORS.items() for name in known])
def test_each_estimator_is_kept_and_loaded(task: str, name: str, tmp_path: Path) -> None:
    model, test = fit_model(task, name)
    again, _ = fit_model(task, name)
    first, _ = (_save(one, tmp_path / place) for one, place in ((model, "1"), (again, "2")))
    assert read_files(tmp_path / "1") == read_files(tmp_path / "2")
    loaded = pyfunc_model.load(first)
    assert np.array_equal(loaded.predict(test), model.predict(test))
    if task == "classification":
        assert np.array_equal(loaded.predict_proba(test), model.predict_proba(test))


SCRIPT = """
import sys
from pathlib import Path
from airflow_mlcraft.ml.model_file import save_model
from tests.ml.test_model_file import fit_model
junk = [bytearray(number) for number in range(int(sys.argv[2]))]
for name in ("random_forest", "hist_gradient_boosting", "k_neighbors", "lightgbm", "xgboost", "catboost"):
    folder = Path(sys.argv[1]) / name
    folder.mkdir()
    save_model(fit_model("classification", name)[0], folder / "model.skops")
"""


def test_another_process_makes_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": str(number), "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-c", SCRIPT, str(folder), str(number * 1000)]
        subprocess.run(command, check=True, env=environment)
        made.append(read_files(folder))
    assert len(made[0]) == 9
    assert made[0] == made[1]


def test_what_skops_cannot_keep_is_a_sentence(tmp_path: Path) -> None:
    class Unpicklable:
        def __reduce__(self) -> Any:
            raise TypeError("not me")

        def __getstate__(self) -> Any:
            raise TypeError("not me")

    with pytest.raises(StepError, match="cannot be kept safely by skops"):
        save_model(Unpicklable(), tmp_path / "odd.skops")
