"""A model as MLflow keeps it: a folder with an MLmodel file. It is written without mlflow, and without pickle."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from airflow_mlcraft.ml.boosters import FOLDER
from airflow_mlcraft.ml.example_rows import example_rows
from airflow_mlcraft.tracking.signature import infer_signature

LOADER = "airflow_mlcraft.tracking.pyfunc_model"
MODEL = "model.skops"
CODE = "code"
_PACKAGES = ("mlflow", "scikit-learn", "skops", "numpy", "scipy", "pandas", "airflow-provider-mlcraft")


def write_model(
    folder: str | os.PathLike[str],
    model: str | os.PathLike[str],
    frame: Any,
    predictions: Any,
    *,
    requirements: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    modules: Mapping[str, Path] | None = None,
    example: Any = None,
    optional: Sequence[str] = (),
) -> Path:
    """Make an MLflow model of a file that skops has written.

    `frame` is some of what the model was trained on, before any preparation that the model itself does, and
    `predictions` what it says to that: they give the signature. The input example is `example`, or else rows that are
    made of the frame's ranges and names: a model's folder has no rows of the data that it learned from.
    Columns that are `optional` may be left out, as those without a value in some row of the frame may.
    `modules` are files of the user that the model's own types come from, by the names they were loaded under.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, target / MODEL)
    if (boosters := Path(model).parent / FOLDER).is_dir():
        shutil.copytree(boosters, target / FOLDER, copy_function=shutil.copyfile)
    for name, file in (modules or {}).items():
        (target / CODE).mkdir(exist_ok=True)
        shutil.copyfile(file, target / CODE / f"{name}.py")
    needed = list(requirements) if requirements is not None else find_installed_requirements()
    (target / "requirements.txt").write_text("".join(f"{line}\n" for line in needed))
    _write(
        target / "python_env.yaml",
        {
            "python": platform.python_version(),
            "build_dependencies": [f"pip=={_installed_version('pip') or '24'}"],
            "dependencies": ["-r requirements.txt"],
        },
    )
    rows = example_rows(frame) if example is None else example
    written = rows.to_json(orient="split", index=False, date_format="iso")
    (target / "input_example.json").write_text(written)
    (target / "serving_input_example.json").write_text(json.dumps({"dataframe_split": json.loads(written)}))
    described = {
        "flavors": {
            "python_function": {
                "loader_module": LOADER,
                "data": MODEL,
                "python_version": platform.python_version(),
                "env": {"virtualenv": "python_env.yaml"},
                **({"code": CODE} if modules else {}),
            }
        },
        "mlflow_version": _installed_version("mlflow") or _installed_version("mlflow-skinny"),
        "signature": infer_signature(frame, predictions, optional),
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "serving_input_path": "serving_input_example.json",
            "type": "dataframe",
            "pandas_orient": "split",
        },
        "metadata": dict(metadata or {}),
    }
    _write(target / "MLmodel", described)
    return target


def find_installed_requirements() -> list[str]:
    """What a model needs, in the versions that are here."""
    found = {name: _installed_version(name) for name in _PACKAGES}
    return [f"{name}=={number}" for name, number in found.items() if number]


def _write(path: Path, values: Mapping[str, Any]) -> None:
    """YAML whose values are in the form of JSON: no library is needed to write it."""
    path.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items()))


def _installed_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
