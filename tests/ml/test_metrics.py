"""Each metric is what scikit-learn says, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.class_balance import default_metric
from airflow_mlcraft.ml.metrics import Predictions, metric_for, score_all


def test_two_classes() -> None:
    random = np.random.default_rng(1)
    truth = random.choice(["no", "yes"], 50)
    chance = random.random(50)
    output = np.where(chance > 0.5, "yes", "no")
    found = score_all(
        "classification", Predictions(truth, output, ("no", "yes"), "yes", np.column_stack([1 - chance, chance]))
    )
    assert found == {
        "acc": theirs.accuracy_score(truth, output),
        "balanced_acc": theirs.balanced_accuracy_score(truth, output),
        "precision": theirs.precision_score(truth, output, pos_label="yes"),
        "recall": theirs.recall_score(truth, output, pos_label="yes"),
        "f1": theirs.f1_score(truth, output, pos_label="yes"),
        "roc_auc": theirs.roc_auc_score(truth == "yes", chance),
        "pr_auc": theirs.average_precision_score(truth == "yes", chance),
        "log_loss": theirs.log_loss(truth, np.column_stack([1 - chance, chance]), labels=["no", "yes"]),
    }
    other = score_all(
        "classification", Predictions(truth, output, ("no", "yes"), "no", np.column_stack([1 - chance, chance]))
    )
    assert other["recall"] == theirs.recall_score(truth, output, pos_label="no")
    assert other["roc_auc"] == theirs.roc_auc_score(truth == "no", 1 - chance)


def test_three_classes() -> None:
    random = np.random.default_rng(2)
    truth, chances = random.integers(0, 3, 60), random.dirichlet([1, 1, 1], 60)
    output = chances.argmax(axis=1)
    found = score_all("classification", Predictions(truth, output, (0, 1, 2), None, chances))
    assert found == {
        "acc": theirs.accuracy_score(truth, output),
        "balanced_acc": theirs.balanced_accuracy_score(truth, output),
        "precision": theirs.precision_score(truth, output, average="macro", zero_division=0),
        "recall": theirs.recall_score(truth, output, average="macro", zero_division=0),
        "f1": theirs.f1_score(truth, output, average="macro", zero_division=0),
        "roc_auc": theirs.roc_auc_score(truth, chances, multi_class="ovr", average="macro"),
        "pr_auc": None,
        "log_loss": theirs.log_loss(truth, chances),
    }


def test_numbers() -> None:
    random = np.random.default_rng(3)
    truth, output = random.normal(10, 2, 40), random.normal(10, 2, 40)
    assert score_all("regression", Predictions(truth, output)) == {
        "rmse": theirs.root_mean_squared_error(truth, output),
        "mae": theirs.mean_absolute_error(truth, output),
        "mse": theirs.mean_squared_error(truth, output),
        "r2": theirs.r2_score(truth, output),
        "mape": theirs.mean_absolute_percentage_error(truth, output),
    }


def test_what_has_no_meaning_has_no_value() -> None:
    truth = np.array(["a", "a"])
    only = score_all("classification", Predictions(truth, truth, ("a", "b"), "b", np.array([[0.9, 0.1], [0.8, 0.2]])))
    assert only["roc_auc"] is None
    assert only["acc"] == 1
    without = score_all("classification", Predictions(np.array(["a", "b"]), np.array(["a", "b"]), ("a", "b"), "b"))
    assert without["log_loss"] is None
    assert score_all("regression", Predictions(np.array([1.0]), np.array([1.0])))["r2"] is None


def test_directions() -> None:
    assert metric_for("classification").name == "acc"
    assert metric_for("regression").name == "rmse"
    assert metric_for("classification", "roc_auc").better(0.9, 0.8)
    assert metric_for("classification", "log_loss").better(0.1, 0.2)
    assert metric_for("regression", "r2").better(0.9, 0.8)
    assert metric_for("regression", "MAE").better(1, 2)


def test_a_metric_of_the_other_task_is_refused_with_the_list() -> None:
    with pytest.raises(
        StepError,
        match="rmse is a metric for regression.*acc, balanced_acc, precision, recall, f1, roc_auc, pr_auc, log_l",
    ):
        metric_for("classification", "rmse")
    with pytest.raises(StepError, match="rmse, mae, mse, r2, mape"):
        metric_for("regression", "accuracy")
    with pytest.raises(StepError, match="did you mean 'precision'"):
        metric_for("classification", "precison")


@pytest.mark.parametrize(
    ("task", "given", "name"),
    [
        ("classification", "accuracy", "acc"),
        ("classification", "AUC", "roc_auc"),
        ("classification", "f1_score", "f1"),
        ("classification", "balanced accuracy", "balanced_acc"),
        ("classification", "Average-Precision", "pr_auc"),
        ("regression", "r2_score", "r2"),
        ("regression", "neg_root_mean_squared_error", "rmse"),
    ],
)
def test_other_names_are_understood(task: str, given: str, name: str) -> None:
    assert metric_for(task, given).name == name


def test_a_metric_that_may_have_been_meant() -> None:
    with pytest.raises(StepError, match="there is no metric 'acuracy'; for classification did you mean 'accuracy'"):
        metric_for("classification", "acuracy")
    with pytest.raises(StepError, match="did you mean 'r2'"):
        metric_for("regression", "r22")


def test_what_is_no_finite_number_has_no_value() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    assert set(score_all("regression", Predictions(truth, np.array([1.0, np.nan, 3.0]))).values()) == {None}
    huge = score_all("regression", Predictions(truth, np.array([1e200, 2.0, 3.0])))
    assert huge["mse"] is None
    assert huge["mae"] == theirs.mean_absolute_error(truth, [1e200, 2.0, 3.0])


@pytest.mark.parametrize(
    ("counts", "positive", "name"),
    [
        ({"no": 2990, "yes": 10}, "yes", "pr_auc"),
        ({"no": 2990, "yes": 10}, "no", "balanced_acc"),
        ({"a": 50, "b": 45, "c": 5}, None, "balanced_acc"),
        ({"no": 90, "yes": 10}, "yes", "acc"),
    ],
)
def test_the_metric_where_a_class_is_rare(counts: dict[str, int], positive: str | None, name: str) -> None:
    found, reason = default_metric("classification", counts, positive)
    assert found == name
    assert bool(reason) == (name != "acc")
    if positive == "yes" and reason:
        assert "the class 'yes' has 10 of 3000 rows (0.33%)" in reason
        assert "has an acc of 0.9967" in reason
