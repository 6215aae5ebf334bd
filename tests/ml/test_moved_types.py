"""Model files whose types have moved since they were written: loaded, and trusted, as before.

`models/before_moved_types` is the model folder that version 0.1.0 (commit a6358ee) made in that commit's worktree, from
`generate_mixed_table()` of samples.py with `note` as nine random words of oak, ash, elm, fir and yew, written to
data.csv: `mlcraft-step process --data data.csv --target target`, then
`mlcraft-step train --train train.parquet --recipe recipe.json --model logistic_regression --folds 3`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.ml.model_file import MOVED_TYPES, read_schema
from airflow_mlcraft.serving.model.folder import read_model_folder
from airflow_mlcraft.tracking import pyfunc_model
from tests.ml.samples import Steps

FOLDER = Path(__file__).parent / "models" / "before_moved_types"
ROWS = """size,leaves,colour,wild,day,note
,2,blue,True,2024-10-04,elm elm fir yew oak oak yew yew ash
10.896,3,green,False,2024-11-16,ash yew elm ash yew ash elm fir elm
9.178,8,green,False,2024-10-23,oak oak yew fir yew elm yew ash elm
7.328,4,,False,2024-12-17,fir oak ash oak elm yew oak ash elm
8.636,8,blue,True,2024-12-21,yew ash elm ash oak fir oak ash elm
"""
PREDICTED = ["short", "tall", "short", "short", "short"]
TALL = [0.34012717816950405, 0.8412150259759659, 0.3334619459060639, 0.33905510380981125, 0.09807586142737268]
STORED_IN_PLACE = [
    ("airflow_mlcraft.ml.boosters", "SavedBooster"),
    ("airflow_mlcraft.ml.columns", "Columns"),
    ("airflow_mlcraft.ml.numbered_classes", "NumberedClasses"),
]


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.read_csv(StringIO(ROWS))


def test_the_file_has_every_moved_type() -> None:
    written = json.dumps(read_schema(FOLDER / "model.skops"))
    for module, name in MOVED_TYPES:
        assert f'"__class__": "{name}", "__module__": "{module}"' in written


@pytest.mark.parametrize(("module", "name"), [*MOVED_TYPES.values(), *STORED_IN_PLACE])
def test_each_stored_type_has_its_place(module: str, name: str) -> None:
    found = getattr(import_module(module), name)
    assert (found.__module__, found.__qualname__) == (module, name)


@pytest.mark.parametrize(
    "load",
    [lambda: pyfunc_model.load(FOLDER / "model.skops"), lambda: read_model_folder(FOLDER).load_estimator()],
    ids=["file", "server"],
)
def test_it_predicts_as_before(load: Callable[[], Any], rows: pd.DataFrame) -> None:
    model = load()
    assert model.predict(rows).tolist() == PREDICTED
    assert model.predict_proba(rows)[:, 1].tolist() == pytest.approx(TALL)


def test_mlflow_loads_it(rows: pd.DataFrame) -> None:
    import mlflow

    model = mlflow.pyfunc.load_model(str(FOLDER))
    typed = rows.assign(leaves=rows["leaves"].astype("float64"), day=pd.to_datetime(rows["day"]))
    assert model.predict(typed).tolist() == PREDICTED


def test_the_step_predict_loads_it(rows: pd.DataFrame, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "model")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    Steps(tmp_path).run_checked("predict", "--model", "model", "--data", "rows.csv")
    assert pd.read_csv(tmp_path / "predictions.csv")["prediction"].tolist() == PREDICTED


def test_its_types_need_no_trust() -> None:
    assert pyfunc_model.find_unknown_types(FOLDER / "model.skops") == set()


def test_an_old_module_stands_for_no_other_name(tmp_path: Path) -> None:
    file = tmp_path / "model.skops"
    with ZipFile(FOLDER / "model.skops") as source, ZipFile(file, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b'"FreeText"', b'"_texts"') if name == "schema.json" else content)
    with pytest.raises(MlcraftError, match=r"not known to be safe: airflow_mlcraft\.ml\.parts\._texts\."):
        pyfunc_model.load(file)
