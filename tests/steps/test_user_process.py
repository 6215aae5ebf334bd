"""The user's `process` goes with the model: predict, server and MLflow run it on rows as the source has them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project.build import _trusted_environment
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.serving.http.request_reader import RequestReader
from airflow_mlcraft.serving.model.state import load_predictor
from airflow_mlcraft.tracking.user_process import TRUSTED_CODE
from tests.ml.samples import Steps
from tests.steps.processed import PARTS

CLEANING = """
import pandas as pd


def clean_table(frame):
    return frame.dropna(subset=["price"])


def process(frame, limit=5):
    frame = frame.drop(columns="customer")
    frame["price"] = frame["price"].str.replace("[$,]", "", regex=True).astype(float)
    frame["plan"] = frame["plan"].str.strip().str.lower()
    frame["joined"] = pd.to_datetime(frame["joined"], format="%d/%m/%Y")
    frame["large"] = frame["seats"] > limit
    return frame
"""


def customers(rows: int = 300) -> pd.DataFrame:
    """Prices with a currency, plans in either case, days as dd/mm/yyyy, and rows without a price."""
    random = np.random.default_rng(1)
    price, plan = random.normal(100, 30, rows), random.choice(["pro", "basic", "free"], rows)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(random.integers(0, 400, rows), unit="D")
    frame = pd.DataFrame(
        {
            "customer": [f"c{number}" for number in range(rows)],
            "price": [f"${value:,.2f}" for value in price],
            "plan": [name if place % 2 else name.upper() for place, name in enumerate(plan)],
            "joined": days.strftime("%d/%m/%Y"),
            "seats": random.integers(1, 9, rows),
            "churn": np.where(price + 40 * (plan == "pro") > 110, "yes", "no"),
        }
    )
    frame.loc[::13, "joined"] = None
    frame.loc[3::50, "price"] = None
    return frame


def trained(folder: Path, code: str = CLEANING, *how: str, frame: pd.DataFrame | None = None) -> Steps:
    (folder / "processor.py").write_text(code)
    (customers() if frame is None else frame).to_csv(folder / "data.csv", index=False)
    steps = Steps(folder)
    steps.run_checked("process", "--data", "data.csv", "--target", "churn", "--code", "processor.py", *how)
    steps.run_checked("train", *PARTS, "--model", "logistic_regression", "--folds", "0")
    return steps


def trust(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv(TRUSTED_CODE, hashlib.sha256((folder / "processor.py").read_bytes()).hexdigest())


def change_trust_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """With another key, and nothing that is trusted by its hash."""
    monkeypatch.setenv("MLCRAFT_TRUST_KEY", "of another user")
    monkeypatch.delenv(TRUSTED_CODE, raising=False)


def test_rows_of_the_source_are_predicted_for_as_training_saw_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = trained(tmp_path, CLEANING, "--params", '{"limit": 4}')
    trust(monkeypatch, tmp_path)
    rows = [
        {"price": "$1,150.00", "plan": plan, "joined": "13/02/2025", "seats": 3} for plan in ("PRO", "pro", " Pro ")
    ]
    (tmp_path / "new.json").write_text(json.dumps(rows))
    steps.run_checked("predict", "--model", "model", "--data", "new.json")
    found = pd.read_csv(tmp_path / "predictions.csv")
    assert found["probability_yes"].nunique() == 1
    assert set(found["prediction"]) == {"yes"}


def test_server_and_mlflow_say_what_predict_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = trained(tmp_path, CLEANING, "--params", '{"limit": 4}')
    trust(monkeypatch, tmp_path)
    raw = customers().drop(columns="churn").dropna(subset=["price"])
    hostile = raw.head(6).copy()
    hostile["plan"] = ["", " PRO", "päro", "NA", "pro\u00a0", "basic "]
    hostile["joined"] = [None, "29/02/2024", "01/12/1999", None, None, "31/12/2099"]
    raw = pd.concat([raw, hostile], ignore_index=True)
    records = json.loads(raw.to_json(orient="records"))
    (tmp_path / "new.json").write_text(json.dumps(records))
    steps.run_checked("predict", "--model", "model", "--data", "new.json")
    predictions = pd.read_csv(tmp_path / "predictions.csv")["probability_yes"]
    predictor = load_predictor(tmp_path / "model")
    assert predictor.implementation == "arrays"
    reader = RequestReader(predictor.signature, 10_000)
    table = reader.read_records(records)
    assert np.allclose(predictor.probabilities(table)[:, 1], predictions, rtol=1e-10)
    alone = [predictor.probabilities(reader.read_records([row]))[0, 1] for row in records[-12:]]
    assert np.allclose(alone, predictions[-12:], rtol=1e-10)
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert list(loaded.predict(raw)) == list(predictor.predict(table))


def test_the_signature_is_that_of_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(tmp_path)
    trust(monkeypatch, tmp_path)
    columns = {one.name: (one.type, one.required) for one in load_predictor(tmp_path / "model").signature.columns}
    assert columns == {
        "customer": ("string", False),
        "price": ("string", True),
        "plan": ("string", True),
        "joined": ("string", False),
        "seats": ("long", True),
    }


def test_code_that_nobody_trusts_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = trained(tmp_path)
    customers().dropna().to_csv(tmp_path / "new.csv", index=False)
    steps.run_checked("predict", "--model", "model", "--data", "new.csv")
    change_trust_key(monkeypatch)
    known = hashlib.sha256((tmp_path / "processor.py").read_bytes()).hexdigest()
    sentence = steps.run_for_error("predict", "--model", "model", "--data", "new.csv")
    assert f"{TRUSTED_CODE}={known}" in sentence
    with pytest.raises(MlcraftError, match=f"{TRUSTED_CODE}={known}"):
        load_predictor(tmp_path / "model")
    with pytest.raises(MlcraftError, match=TRUSTED_CODE):
        mlflow.pyfunc.load_model(str(tmp_path / "model"))
    trust(monkeypatch, tmp_path)
    (tmp_path / "model" / "code" / "processor.py").write_text("import os\n\n\ndef process(frame):\n    os.abort()\n")
    assert "not the file that the model was trained with" in steps.run_for_error(
        "predict", "--model", "model", "--data", "new.csv"
    )


def test_an_image_trusts_the_code_of_its_own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where whoever builds it does; nobody else's word goes along."""
    trained(tmp_path)
    known = hashlib.sha256((tmp_path / "processor.py").read_bytes()).hexdigest()
    file = tmp_path / "model" / "model.skops"
    assert file.is_file()
    assert _trusted_environment(Project(tmp_path), file) == {TRUSTED_CODE: known}
    change_trust_key(monkeypatch)
    assert _trusted_environment(Project(tmp_path), file) == {}
    trust(monkeypatch, tmp_path)
    assert _trusted_environment(Project(tmp_path), file) == {TRUSTED_CODE: known}


def test_evaluating_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test part has been processed already."""
    steps = trained(tmp_path)
    change_trust_key(monkeypatch)
    steps.run_checked("evaluate", "--models", "model", "--test", "test.parquet")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    frame['share'] = frame['seats'] / frame['seats'].sum()", "processor.py:2: process() makes 'share'"),
        ("    frame['rank'] = frame['seats'].rank()", "process() makes 'rank'"),
        ("    frame['before'] = frame['seats'].shift().fillna(0)", "process() makes 'before'"),
        ("    frame['seats'] = frame['seats'].clip(upper=frame['seats'].quantile(0.5))", "process() makes 'seats'"),
        ("    frame = pd.concat([frame, frame])", "rows of 64"),
        ("    frame['size'] = pd.qcut(frame['seats'], 3, labels=False)", "comes alone"),
        ("    frame = frame[frame.groupby('plan')['plan'].transform('size') > 1]", "comes alone"),
        ("    frame['late'] = frame['churn'] == 'yes'", "has no 'churn'"),
        ("    frame = frame.dropna(subset=['churn'])", "KeyError: ['churn']"),
    ],
)
def test_what_needs_the_whole_table_is_refused_with_the_reason(body: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "processor.py").write_text(f"def process(frame):\n{body}\n    return frame\n\n\nimport pandas as pd\n")
    customers().drop(columns="customer").to_csv(tmp_path / "data.csv", index=False)
    sentence = Steps(tmp_path).run_for_error(
        "process", "--data", "data.csv", "--target", "churn", "--code", "processor.py"
    )
    assert words in sentence
    assert "clean_table()" in sentence


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    return frame.assign(plan=frame['plan'].str.lower())", "clean_table() changes values of row"),
        (
            "    return frame.assign(seats=frame['seats'] / frame['seats'].max())",
            "clean_table() changes values of row 1",
        ),
        (
            "    return frame.assign(mean=frame['seats'].mean() + frame.index)",
            "the column 'mean' is made by clean_table()",
        ),
        ("    return frame[:0]", "clean_table() gives a frame without rows"),
        ("    return 7", "clean_table() gives a int; expected a data frame"),
        ("    return frame.nope", "processor.py:2: AttributeError"),
    ],
)
def test_clean_table_only_leaves_rows_out(body: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "processor.py").write_text(
        f"def clean_table(frame):\n{body}\n\n\ndef process(frame):\n    return frame\n"
    )
    customers().to_csv(tmp_path / "data.csv", index=False)
    sentence = Steps(tmp_path).run_for_error(
        "process", "--data", "data.csv", "--target", "churn", "--code", "processor.py"
    )
    assert words in sentence


def test_clean_table_may_drop_sort_and_mend_the_target(tmp_path: Path) -> None:
    code = (
        "def clean_table(frame, least=0):\n"
        "    frame = frame.dropna().drop_duplicates().sort_values('seats').reset_index(drop=True)\n"
        "    frame = frame[frame['seats'] >= least]\n"
        "    return frame.assign(churn=frame['churn'].str.upper())\n\n\n"
        "def process(frame):\n    return frame\n"
    )
    steps = trained(tmp_path, code, "--params", '{"least": 3}')
    train = pd.read_parquet(tmp_path / "train.parquet")
    assert train["seats"].min() == 3
    assert set(train["churn"]) == {"YES", "NO"}
    assert "process" not in json.loads((tmp_path / "model" / "model.json").read_text())
    steps.run_checked("predict", "--model", "model", "--data", "data.csv")


@pytest.mark.parametrize("ending", ["", ".reset_index(drop=True)", ".sort_values('seats')"])
def test_a_process_that_drops_rows_still_trains(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "def process(frame):\n"
        f"    frame = frame.dropna(subset=['price']){ending}\n"
        "    frame['price'] = frame['price'].str.replace('[$,]', '', regex=True).astype(float)\n"
        "    return frame\n"
    )
    steps = trained(tmp_path, code)
    trust(monkeypatch, tmp_path)
    assert any("process() leaves out" in line and "clean_table()" in line for line in steps.log_lines)
    sentence = steps.run_for_error("predict", "--model", "model", "--data", "data.csv")
    assert "process() " in sentence
    assert "clean_table()" in sentence
    whole = customers().dropna(subset=["price"])
    whole.to_csv(tmp_path / "whole.csv", index=False)
    steps.run_checked("predict", "--model", "model", "--data", "whole.csv")
    found = pd.read_csv(tmp_path / "predictions.csv")
    assert (found["prediction"] == whole["churn"].to_numpy()).mean() > 0.9


def test_what_process_makes_is_checked_for_rows_to_predict_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = trained(tmp_path)
    trust(monkeypatch, tmp_path)
    frame = customers().head(3)
    frame.loc[1, "price"] = "a lot"
    frame.to_csv(tmp_path / "odd.csv", index=False)
    sentence = steps.run_for_error("predict", "--model", "model", "--data", "odd.csv")
    assert "processor.py:11: ValueError" in sentence
    frame.drop(columns="plan").to_csv(tmp_path / "less.csv", index=False)
    assert "lacks the column 'plan'" in steps.run_for_error("predict", "--model", "model", "--data", "less.csv")


def test_params_that_neither_function_takes(tmp_path: Path) -> None:
    (tmp_path / "processor.py").write_text(CLEANING)
    customers().to_csv(tmp_path / "data.csv", index=False)
    how = ("--data", "data.csv", "--target", "churn", "--code", "processor.py", "--params", '{"limits": 4}')
    assert "takes the param 'limits'" in Steps(tmp_path).run_for_error("process", *how)


def test_no_value_of_the_test_part_changes_the_model(tmp_path: Path) -> None:
    made = []
    for place, day in (("clean", None), ("poisoned", "01/01/1900")):
        folder = tmp_path / place
        folder.mkdir()
        frame = customers()
        if day:
            train = pd.read_parquet(tmp_path / "clean" / "train.parquet")
            frame.loc[~frame["customer"].isin(_customers_of(train, frame)), "joined"] = day
        code = CLEANING.replace('frame.drop(columns="customer")', "frame.copy()")
        trained(folder, code, "--id", "customer", frame=frame)
        made.append((folder / "recipe.json").read_bytes())
    assert made[0] == made[1]


def _customers_of(train: pd.DataFrame, frame: pd.DataFrame) -> set[str]:
    """Which rows are in the training part: `price`, `seats` and `joined` tell them apart."""
    price = frame["price"].str.replace("[$,]", "", regex=True).astype(float)
    keyed = dict(zip(zip(price, frame["seats"], strict=True), frame["customer"], strict=True))
    return {keyed[key] for key in zip(train["price"], train["seats"], strict=True) if key in keyed}
