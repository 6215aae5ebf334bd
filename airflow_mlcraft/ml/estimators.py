"""The estimators by name, with their classes, defaults and search ranges, and building one by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.errors import StepError, UnknownModelError
from airflow_mlcraft.ml import user_code
from airflow_mlcraft.ml.boosters import missing_library_message, unloadable_library_message
from airflow_mlcraft.ml.metrics import CLASSIFICATION, REGRESSION


@dataclass(frozen=True)
class Estimator:
    """An estimator class with a name. `space` has the params that `tune` tries, in the format of search.py.

    Classes of scikit-learn are always available, others if their libraries are installed.
    """

    path: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Any] = field(default_factory=dict)
    inside: str = ""

    def make(self) -> Any:
        """A new estimator with our defaults."""
        estimator_class = _class(self.path)
        return (
            _class(self.inside)(estimator_class(), ensemble=False) if self.inside else estimator_class(**self.defaults)
        )


def _class(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise StepError(missing_library_message(module)) from error
    except OSError as error:
        raise StepError(unloadable_library_message(module, error)) from error


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
_LIGHTGBM = {
    "n_estimators": _whole(50, 400),
    "learning_rate": _log(0.01, 0.3),
    "num_leaves": _whole(7, 63, True),
    "min_child_samples": _whole(5, 50),
    "colsample_bytree": {"low": 0.5, "high": 1.0},
    "reg_lambda": _log(1e-6, 10.0),
}
_XGBOOST = {
    "n_estimators": _whole(50, 400),
    "learning_rate": _log(0.01, 0.3),
    "max_depth": _whole(2, 8),
    "subsample": {"low": 0.5, "high": 1.0},
    "colsample_bytree": {"low": 0.5, "high": 1.0},
    "reg_lambda": _log(1e-6, 10.0),
}
_CATBOOST = {
    "iterations": _whole(50, 400),
    "learning_rate": _log(0.01, 0.3),
    "depth": _whole(2, 8),
    "l2_leaf_reg": _log(1.0, 30.0),
}
# The model is the same with any number of threads; nothing is printed, and no other files are written.
_LIGHTGBM_DEFAULTS = {"n_jobs": 1, "verbosity": -1, "deterministic": True, "force_col_wise": True}
_XGBOOST_DEFAULTS = {"n_jobs": 1, "verbosity": 0}
_CATBOOST_DEFAULTS = {"thread_count": 1, "logging_level": "Silent", "allow_writing_files": False}
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
        "lightgbm": Estimator("lightgbm:LGBMClassifier", _LIGHTGBM_DEFAULTS, _LIGHTGBM),
        "xgboost": Estimator("xgboost:XGBClassifier", _XGBOOST_DEFAULTS, _XGBOOST),
        "catboost": Estimator("catboost:CatBoostClassifier", _CATBOOST_DEFAULTS, _CATBOOST),
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
        "lightgbm": Estimator("lightgbm:LGBMRegressor", _LIGHTGBM_DEFAULTS, _LIGHTGBM),
        "xgboost": Estimator("xgboost:XGBRegressor", _XGBOOST_DEFAULTS, _XGBOOST),
        "catboost": Estimator("catboost:CatBoostRegressor", _CATBOOST_DEFAULTS, _CATBOOST),
        "neural_network": Estimator("sklearn.neural_network:MLPRegressor", {"max_iter": 1000}, _NETWORK),
        "baseline": Estimator("sklearn.dummy:DummyRegressor", {"strategy": "mean"}),
    },
}


def find_estimator(task: str, name: str) -> Estimator:
    """The estimator of that name."""
    found = ESTIMATORS[task].get(name)
    if found is None:
        raise UnknownModelError(f"there is no model {name!r} for {task}; {build_suggestion(name, ESTIMATORS[task])}")
    return found


def set_params_and_seed(estimator: Any, params: Mapping[str, Any], name: str, seed: int) -> Any:
    """Set these params of an estimator, and seed it wherever it takes a seed and has none."""
    known = known_params(estimator)
    if unknown := [param for param in params if param not in known]:
        raise StepError(f"{name} has no parameter {unknown[0]!r}; {build_suggestion(unknown[0], known)}")
    estimator.set_params(**{param: _tuples(value) for param, value in params.items()})
    _seed(estimator, seed)
    return estimator


def known_params(estimator: Any) -> dict[str, Any]:
    """The params that can be set, with their values. CatBoost's own list only has those that were set."""
    found = {name: None for name in signature(type(estimator).__init__).parameters if name not in _NO_PARAMS}
    return {**(found if _is_catboost(estimator) else {}), **estimator.get_params()}


def _seed(estimator: Any, seed: int) -> None:
    params = estimator.get_params()
    seeds = [param for param, value in params.items() if _is_seed(param) and value is None]
    if seeds:
        estimator.set_params(**dict.fromkeys(seeds, seed))
    for part in (estimator, *params.values()):
        if _is_catboost(part) and not {"random_state", "random_seed"} & set(part.get_params()):
            part.set_params(random_seed=seed)


def _is_seed(param: str) -> bool:
    return param.rpartition("__")[2] == "random_state"


def _is_catboost(part: Any) -> bool:
    return type(part).__module__.startswith("catboost.") and hasattr(part, "set_params")


_NO_PARAMS = ("self", "args", "kwargs")


def _tuples(value: Any) -> Any:
    """A list of JSON as the tuple that scikit-learn requires for several sizes."""
    return tuple(value) if isinstance(value, list) else value


def build_estimator(task: str, name: str, params: Mapping[str, Any], seed: int, code: Path | None = None) -> Any:
    """Build a seeded estimator with these params. Estimators of the user's file take precedence over `ESTIMATORS`."""
    from airflow_mlcraft.ml.numbered_classes import wrap_numbered_classes

    return wrap_numbered_classes(_build(task, name, params, seed, code))


def _build(task: str, name: str, params: Mapping[str, Any], seed: int, code: Path | None) -> Any:
    if code is None:
        return set_params_and_seed(find_estimator(task, name).make(), params, name, seed)
    module = user_code.load(code)
    own_estimators = user_estimators(module, code)
    if name in own_estimators:
        from sklearn.base import clone

        return set_params_and_seed(_check_estimator(clone(own_estimators[name]), task, name, code), params, name, seed)
    if name in ESTIMATORS[task]:
        return set_params_and_seed(find_estimator(task, name).make(), params, name, seed)
    build_model = user_code.function(module, "model")
    if build_model is None or (own_estimators and name != "model"):
        raise UnknownModelError(
            f"there is no model {name!r} for {task}; {build_suggestion(name, [*own_estimators, *ESTIMATORS[task]])}"
        )
    with user_code.locate_errors(code):
        estimator = build_model(**params)
    return set_params_and_seed(_check_estimator(estimator, task, name, code), {}, name, seed)


def is_user_estimator(name: str, code: Path) -> bool:
    """Whether the user's file has an estimator with that name, which overrides the one in `ESTIMATORS`."""
    return name in user_estimators(user_code.load(code), code)


def user_estimators(module: Any, code: Path) -> Mapping[str, Any]:
    """The estimators in the user's file by name; none if it has a function `model` instead."""
    estimators_function = user_code.function(module, "estimators")
    if estimators_function is None:
        if user_code.function(module, "model") is None:
            user_code.require_function(module, "estimators", "def estimators() -> dict[str, estimator]")
        return {}
    with user_code.locate_errors(code):
        estimators = estimators_function()
    if not isinstance(estimators, Mapping):
        raise StepError(f"{code.name}: estimators() gives a {type(estimators).__name__}; expected names and estimators")
    return estimators


def _check_estimator(estimator: Any, task: str, name: str, code: Path) -> Any:
    from sklearn.base import is_classifier, is_regressor

    # A meta-estimator may have `predict` only once it is fitted; its class has it before.
    if not all(hasattr(type(estimator), method) for method in ("fit", "predict", "get_params")):
        raise StepError(
            f"{code.name}: {name} is a {type(estimator).__name__}; "
            "expected an estimator with fit, predict and get_params"
        )
    is_expected, is_other = (is_classifier, is_regressor) if task == "classification" else (is_regressor, is_classifier)
    if not is_expected(estimator) and is_other(estimator):
        raise StepError(f"{code.name}: {name} ({type(estimator).__name__}) is no estimator for {task}")
    return estimator
