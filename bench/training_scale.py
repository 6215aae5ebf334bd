"""Training on a million rows by `mlcraft-step train`, against the same work written by hand with scikit-learn.

The table has numbers, categories, truth values, a date and missing values. Both sides read the same Parquet file of
training rows, prepare the columns in the same way (histogram gradient boosting takes categories as such, other models
a column for each), cross-validate in three folds by the same metrics, fit on all rows, score those and save the model
with skops; the scores of the folds have to agree. CPU seconds (user and system, of all threads) and the largest
resident set of the process count; the start of Python and the imports are part of both.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import Figure, median, ratio

ROWS = int(os.environ.get("MLCRAFT_BENCH_ROWS", "1000000"))
ROUNDS = int(os.environ.get("MLCRAFT_BENCH_ROUNDS", "1"))
FOLDS = 3
MODELS = {
    "classification": ("logistic_regression", "hist_gradient_boosting"),
    "regression": ("ridge",),
}
_BIN = Path(sys.executable).parent

TABLE = """
import sys
import numpy as np
import pandas as pd

rows, path = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(0)
frame = pd.DataFrame({f"x{n}": rng.normal(size=rows) for n in range(6)})
for name in ("x1", "x4"):
    frame.loc[rng.random(rows) < 0.05, name] = np.nan
for name, count in (("plan", 4), ("region", 12), ("channel", 20)):
    frame[name] = rng.choice([f"{name} {n}" for n in range(count)], rows)
frame.loc[rng.random(rows) < 0.02, "region"] = None
frame["active"] = rng.random(rows) < 0.4
frame["since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, rows), unit="D")
amount = frame["x0"] + frame["active"] + (frame["plan"] == "plan 1") + rng.normal(size=rows)
frame["amount"] = amount
frame["churned"] = np.where(amount > 0.7, "yes", "no")
frame.to_parquet(path)
"""

# The typical code for the same work with scikit-learn.
_PLAIN = """
import json, sys
import numpy as np
import pandas as pd
from joblib import parallel_config
from threadpoolctl import threadpool_limits
from skops import io
from sklearn import metrics
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

task, name, path, folds, out = sys.argv[1:]
frame = pd.read_parquet(path)
target = "churned" if task == "classification" else "amount"
y = frame.pop(target).to_numpy()
if task == "classification":
    y = y.astype(object)

def parts(dates):
    made = [getattr(dates[c].dt, p) for c in dates for p in ("year", "month", "day", "day_of_week", "hour")]
    return np.column_stack([part.to_numpy("float64", na_value=np.nan) for part in made])

numbers = [c for c in frame if c.startswith("x")]
texts = ["plan", "region", "channel"]
frame[texts] = frame[texts].astype(object)
if name == "hist_gradient_boosting":
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
else:
    encode = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=25, sparse_output=False)
prepare = ColumnTransformer([
    ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
    ("dates", make_pipeline(FunctionTransformer(parts), SimpleImputer(strategy="median"), StandardScaler()), ["since"]),
    ("truths", make_pipeline(FunctionTransformer(lambda f: f.astype(float)), SimpleImputer(strategy="most_frequent")),
     ["active"]),
    ("texts", make_pipeline(SimpleImputer(strategy="constant", fill_value="(missing)"), encode), texts),
], sparse_threshold=0)
categories = list(range(len(numbers) + 5 + 1, len(numbers) + 5 + 1 + len(texts)))
estimator = {
    "logistic_regression": lambda: LogisticRegression(max_iter=1000, random_state=0),
    "hist_gradient_boosting": lambda: HistGradientBoostingClassifier(categorical_features=categories, random_state=0),
    "ridge": lambda: Ridge(random_state=0),
}[name]()

def score(model, x, y):
    said = model.predict(x)
    if task == "regression":
        return {"rmse": metrics.root_mean_squared_error(y, said), "mae": metrics.mean_absolute_error(y, said),
            "mse": metrics.mean_squared_error(y, said), "r2": metrics.r2_score(y, said),
            "mape": metrics.mean_absolute_percentage_error(y, said)}
    odds = model.predict_proba(x)
    is_yes, how = y == "yes", {"average": "binary", "pos_label": "yes", "zero_division": 0}
    return {"acc": metrics.accuracy_score(y, said), "balanced_acc": metrics.balanced_accuracy_score(y, said),
        "precision": metrics.precision_score(y, said, **how), "recall": metrics.recall_score(y, said, **how),
        "f1": metrics.f1_score(y, said, **how), "roc_auc": metrics.roc_auc_score(is_yes, odds[:, 1]),
        "pr_auc": metrics.average_precision_score(is_yes, odds[:, 1]),
        "log_loss": metrics.log_loss(y, odds, labels=list(model.classes_))}

model = make_pipeline(prepare, estimator)
cut = (StratifiedKFold if task == "classification" else KFold)(int(folds), shuffle=True, random_state=0)
found = []
with threadpool_limits({"blas": 1, "openmp": 1}), parallel_config(backend="threading", n_jobs=1):
    for train, test in cut.split(frame, y):
        fitted = clone(model).fit(frame.iloc[train], y[train])
        found.append(score(fitted, frame.iloc[test], y[test]))
    model.fit(frame, y)
    score(model, frame, y)
io.dump(model[-1], out)
print(json.dumps(found))
"""


def figures() -> list[Figure]:
    """CPU and memory for each model."""
    figures_of_models = []
    with tempfile.TemporaryDirectory(prefix="bench-training-scale-") as name:
        folder = Path(name)
        table = folder / "table.parquet"
        make_table(ROWS, table)
        (folder / "plain.py").write_text(_PLAIN)
        for task, models in MODELS.items():
            target, other = ("churned", "amount") if task == "classification" else ("amount", "churned")
            place = folder / task
            place.mkdir()
            label = ["process", f"--data={table}", f"--target={target}", "--test-size=0.01", "--drop", other]
            run_command([_BIN / "mlcraft-step", *label], place)
            rows = place / "train.parquet"
            for model in models:
                figures_of_models += _compare(task, model, rows, place)
    return figures_of_models


def make_table(rows: int, path: Path) -> None:
    """A table of numbers, categories, truth values and a date; its targets are `churned` and `amount`."""
    subprocess.run([sys.executable, "-c", TABLE, str(rows), str(path)], check=True)


def _compare(task: str, model: str, rows: Path, place: Path) -> list[Figure]:
    ours = ["train", f"--train={rows}", f"--recipe={place / 'recipe.json'}", f"--model={model}", f"--folds={FOLDS}"]
    sides = {
        "ours": [_BIN / "mlcraft-step", *ours],
        "plain": [sys.executable, place.parent / "plain.py", task, model, rows, str(FOLDS), place / "plain.skops"],
    }
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    times: dict[str, list[float]] = {side: [] for side in sides}
    peaks: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(ROUNDS):
        for side, command in sides.items():
            started = time.monotonic()
            used, peak, output = run_command(command, place)
            times[side].append(time.monotonic() - started)
            seconds[side].append(used)
            peaks[side].append(peak)
    _check_scores(json.loads((place / "metrics.json").read_text())["cv"], json.loads(output.splitlines()[-1]))
    label = f"{model} on {ROWS:,} rows, {FOLDS} folds"
    return [
        Figure(
            f"{label}: CPU of `mlcraft-step train` / of scikit-learn by hand",
            ratio(seconds["ours"], seconds["plain"]),
            "≤ 1.15",
            f"{median(seconds['ours']):.1f} s / {median(seconds['plain']):.1f} s, "
            f"by the clock {median(times['ours']):.1f} s / {median(times['plain']):.1f} s",
        ),
        Figure(
            f"{label}: peak memory",
            ratio(peaks["ours"], peaks["plain"]),
            "≤ 1.1",
            f"{median(peaks['ours']):.0f} MB / {median(peaks['plain']):.0f} MB",
        ),
    ]


def _check_scores(ours: dict[str, dict[str, list[float]]], plain: list[dict[str, float]]) -> None:
    """Check that both sides have done the same work: each fold has the same scores, except for the last bits."""
    for metric, found in ours.items():
        for fold, (score, other) in enumerate(zip(found["folds"], [one[metric] for one in plain], strict=True), 1):
            if not math.isclose(score, other, rel_tol=1e-6):
                raise SystemExit(f"{metric} of fold {fold} is {score} in `mlcraft-step train`, and {other} by hand")


def run_command(command: list[object], place: Path) -> tuple[float, float, str]:
    """Run a command; returns its CPU seconds, megabytes and output."""
    child = subprocess.Popen(
        [str(line) for line in command], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert child.stdout is not None
    output = child.stdout.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{json.dumps([str(line) for line in command])} failed:\n{output[-3000:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output
