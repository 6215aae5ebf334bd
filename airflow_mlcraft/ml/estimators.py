"""The estimators that have a name: where scikit-learn keeps them, our defaults, and what a search may try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.metrics import CLASSIFICATION, REGRESSION
from airflow_mlcraft.ml.nearest import suggestion


@dataclass(frozen=True)
class Estimator:
    """A class of scikit-learn under a name of ours. `space` is what `tune` tries, in the words of search.py."""

    path: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Any] = field(default_factory=dict)
    inside: str = ""

    def make(self) -> Any:
        """A new one, with our defaults."""
        made = _class(self.path)
        return _class(self.inside)(made(), ensemble=False) if self.inside else made(**self.defaults)


def _class(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _log(low: float, high: float) -> dict[str, Any]:
    return {"low": low, "high": high, "log": True}


def _whole(low: int, high: int, log: bool = False) -> dict[str, Any]:
    return {"low": low, "high": high, "log": log, "type": "int"}


_TREE = {"max_depth": _whole(2, 20), "min_samples_leaf": _whole(1, 20), "min_samples_split": _whole(2, 20)}
_FOREST = {
    "n_estimators": _whole(50, 400),
    "max_depth": _whole(2, 24),
    "min_samples_leaf": _whole(1, 10),
    "max_features": {"low": 0.2, "high": 1.0},
}
_BOOSTING = {
    "n_estimators": _whole(50, 400),
    "learning_rate": _log(0.01, 0.3),
    "max_depth": _whole(2, 6),
    "subsample": {"low": 0.5, "high": 1.0},
}
_HIST = {
    "max_iter": _whole(50, 400),
    "learning_rate": _log(0.01, 0.3),
    "max_leaf_nodes": _whole(7, 63, True),
    "min_samples_leaf": _whole(5, 50),
    "l2_regularization": _log(1e-6, 10.0),
}
_NEIGHBORS = {"n_neighbors": _whole(1, 40), "weights": ["uniform", "distance"], "p": [1, 2]}
_NETWORK = {
    "alpha": _log(1e-6, 1e-1),
    "learning_rate_init": _log(1e-4, 1e-1),
    "hidden_layer_sizes": [[32], [64], [128], [64, 32]],
}

ESTIMATORS: dict[str, dict[str, Estimator]] = {
    CLASSIFICATION: {
        "logistic_regression": Estimator(
            "sklearn.linear_model:LogisticRegression", {"max_iter": 1000}, {"C": _log(1e-4, 1e3)}
        ),
        "linear_discriminant": Estimator(
            "sklearn.discriminant_analysis:LinearDiscriminantAnalysis",
            {"solver": "lsqr", "shrinkage": "auto"},
            {"shrinkage": {"low": 0.0, "high": 1.0}},
        ),
        "naive_bayes": Estimator("sklearn.naive_bayes:GaussianNB", {}, {"var_smoothing": _log(1e-12, 1e-1)}),
        "k_neighbors": Estimator("sklearn.neighbors:KNeighborsClassifier", {}, _NEIGHBORS),
        "svm": Estimator(
            "sklearn.svm:SVC",
            {},
            {"estimator__C": _log(1e-2, 1e3), "estimator__gamma": _log(1e-4, 1.0)},
            "sklearn.calibration:CalibratedClassifierCV",
        ),
        "decision_tree": Estimator("sklearn.tree:DecisionTreeClassifier", {}, _TREE),
        "random_forest": Estimator("sklearn.ensemble:RandomForestClassifier", {}, _FOREST),
        "extra_trees": Estimator("sklearn.ensemble:ExtraTreesClassifier", {}, _FOREST),
        "gradient_boosting": Estimator("sklearn.ensemble:GradientBoostingClassifier", {}, _BOOSTING),
        "hist_gradient_boosting": Estimator("sklearn.ensemble:HistGradientBoostingClassifier", {}, _HIST),
        "neural_network": Estimator("sklearn.neural_network:MLPClassifier", {"max_iter": 500}, _NETWORK),
        "baseline": Estimator("sklearn.dummy:DummyClassifier", {"strategy": "prior"}),
    },
    REGRESSION: {
        "linear_regression": Estimator("sklearn.linear_model:LinearRegression"),
        "ridge": Estimator("sklearn.linear_model:Ridge", {}, {"alpha": _log(1e-4, 1e4)}),
        "lasso": Estimator("sklearn.linear_model:Lasso", {"max_iter": 10000}, {"alpha": _log(1e-4, 1e3)}),
        "elastic_net": Estimator(
            "sklearn.linear_model:ElasticNet",
            {"max_iter": 10000},
            {"alpha": _log(1e-4, 1e3), "l1_ratio": {"low": 0.05, "high": 1.0}},
        ),
        "k_neighbors": Estimator("sklearn.neighbors:KNeighborsRegressor", {}, _NEIGHBORS),
        "svm": Estimator(
            "sklearn.svm:SVR", {}, {"C": _log(1e-2, 1e4), "gamma": _log(1e-4, 1.0), "epsilon": _log(1e-3, 10.0)}
        ),
        "decision_tree": Estimator("sklearn.tree:DecisionTreeRegressor", {}, _TREE),
        "random_forest": Estimator("sklearn.ensemble:RandomForestRegressor", {}, _FOREST),
        "extra_trees": Estimator("sklearn.ensemble:ExtraTreesRegressor", {}, _FOREST),
        "gradient_boosting": Estimator("sklearn.ensemble:GradientBoostingRegressor", {}, _BOOSTING),
        "hist_gradient_boosting": Estimator("sklearn.ensemble:HistGradientBoostingRegressor", {}, _HIST),
        "neural_network": Estimator("sklearn.neural_network:MLPRegressor", {"max_iter": 1000}, _NETWORK),
        "baseline": Estimator("sklearn.dummy:DummyRegressor", {"strategy": "mean"}),
    },
}


def named(task: str, name: str) -> Estimator:
    """The estimator of that name."""
    found = ESTIMATORS[task].get(name)
    if found is None:
        raise StepError(f"there is no model {name!r} for {task}; {suggestion(name, ESTIMATORS[task])}")
    return found


def configured(estimator: Any, params: Mapping[str, Any], name: str, seed: int) -> Any:
    """With these params, and seeded wherever it takes a seed and has none."""
    known = estimator.get_params()
    if unknown := [param for param in params if param not in known]:
        raise StepError(f"{name} has no parameter {unknown[0]!r}; {suggestion(unknown[0], known)}")
    estimator.set_params(**{param: _tuples(value) for param, value in params.items()})
    seeds = [param for param, value in estimator.get_params().items() if _is_seed(param) and value is None]
    return estimator.set_params(**dict.fromkeys(seeds, seed))


def _is_seed(param: str) -> bool:
    return param.rpartition("__")[2] == "random_state"


def _tuples(value: Any) -> Any:
    """JSON has no tuples, and scikit-learn wants them where there are several sizes."""
    return tuple(value) if isinstance(value, list) else value
