"""Allowed values of the inputs `models` and `metric` of a project, for forms and for validation."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.manifest import Manifest
from airflow_mlcraft.project.project_paths import Project

OWN_MODEL = "model"
"""The name of the estimator that the function `model` in model.py returns."""

_OFFERED_ALIASES = (
    "accuracy", "balanced_accuracy", "auc", "average_precision", "r2_score", "mean_absolute_error",
    "mean_squared_error", "root_mean_squared_error", "mean_absolute_percentage_error",
)  # fmt: skip
"""Aliases of metrics that a form offers; more are accepted."""


def model_choices(project: Project, manifest: Manifest) -> list[str] | None:
    """Names of MLcraft's estimators and those of model.py; None if only a call of `estimators` there could tell."""
    from airflow_mlcraft.ml.estimators import ESTIMATORS

    own = _find_own_models(project)
    return None if own is None else list(dict.fromkeys([*own, *ESTIMATORS[manifest.prediction]]))


def metric_choices(manifest: Manifest) -> list[str]:
    """Names of metrics and some aliases."""
    from airflow_mlcraft.ml.metrics import ALIASES, METRICS

    names = [metric.name for metric in METRICS.values() if metric.task == manifest.prediction]
    return [*names, *(alias for alias, name in ALIASES.items() if name in names and alias in _OFFERED_ALIASES)]


def check_models(project: Project, manifest: Manifest, names: Sequence[str]) -> None:
    """Raise ProjectError, with a suggestion, for a name that no model has."""
    choices = model_choices(project, manifest)
    if choices is None:
        return
    for name in names:
        if name not in choices:
            raise ProjectError(
                f"there is no model {name!r} for {manifest.prediction}; {build_suggestion(name, choices)}"
            )


def _find_own_models(project: Project) -> list[str] | None:
    model = project.folder / "model.py"
    try:
        body = ast.parse(model.read_text("utf-8", errors="replace")).body
    except FileNotFoundError:
        return [OWN_MODEL]
    except (SyntaxError, ValueError):
        return None
    functions = {statement.name: statement for statement in body if isinstance(statement, ast.FunctionDef)}
    if "estimators" not in functions:
        # `from elsewhere import estimators` is a definition as well.
        imported = any(
            isinstance(statement, (ast.ImportFrom, ast.Assign)) and "estimators" in ast.dump(statement)
            for statement in body
        )
        return None if imported else [OWN_MODEL]
    returned = [statement.value for statement in ast.walk(functions["estimators"]) if isinstance(statement, ast.Return)]
    if len(returned) != 1 or not isinstance(returned[0], ast.Dict):
        return None
    keys = [key.value if isinstance(key, ast.Constant) else None for key in returned[0].keys]
    names = [key for key in keys if isinstance(key, str)]
    return [*names, *([OWN_MODEL] if "model" in functions else [])] if len(names) == len(keys) else None
