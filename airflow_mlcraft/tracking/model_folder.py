"""Writing of a model in MLflow's format, a folder with an MLmodel file and a signature, without mlflow and pickle."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.ml.boosters import FOLDER
from airflow_mlcraft.ml.example_rows import example_rows

LOADER = "airflow_mlcraft.tracking.pyfunc_model"
MODEL = "model.skops"
CODE = "code"
_FOUR_BYTES = 4
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
    """Write an MLflow model from a file that skops has written.

    `frame` is some of what the model was trained on, before any preparation that the model itself does, and
    `predictions` its predictions for it: they give the signature. The input example is `example`, or else rows that are
    generated from the frame's ranges and names: a model's folder has no rows of the training data.
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
    requirement_lines = list(requirements) if requirements is not None else find_installed_requirements()
    (target / "requirements.txt").write_text("".join(f"{line}\n" for line in requirement_lines))
    _write_yaml(
        target / "python_env.yaml",
        {
            "python": platform.python_version(),
            "build_dependencies": [f"pip=={_installed_version('pip') or '24'}"],
            "dependencies": ["-r requirements.txt"],
        },
    )
    rows = example_rows(frame) if example is None else example
    example_json = rows.to_json(orient="split", index=False, date_format="iso")
    (target / "input_example.json").write_text(example_json)
    (target / "serving_input_example.json").write_text(json.dumps({"dataframe_split": json.loads(example_json)}))
    mlmodel = {
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
    _write_yaml(target / "MLmodel", mlmodel)
    return target


def find_installed_requirements() -> list[str]:
    """Return the requirements of a model, pinned to the installed versions."""
    found = {name: _installed_version(name) for name in _PACKAGES}
    return [f"{name}=={number}" for name, number in found.items() if number]


def _write_yaml(path: Path, values: Mapping[str, Any]) -> None:
    """Write YAML whose values are JSON, which needs no library."""
    path.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items()))


def _installed_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def infer_signature(frame: Any, predictions: Any, optional: Collection[str] = ()) -> dict[str, Any]:
    """Return the signature of inputs and outputs. Columns that are `optional` or have gaps are not required."""
    columns = [_column(str(name), frame[name]) for name in frame.columns]
    for column in columns:
        column["required"] = column["required"] and column["name"] not in optional
    return {"inputs": json.dumps(columns), "outputs": json.dumps([_tensor(predictions)]), "params": None}


def _column(name: str, values: Any) -> dict[str, Any]:
    return {"type": _type(name, values), "name": name, "required": not bool(values.isna().any())}


def _type(name: str, values: Any) -> str:
    dtype = values.dtype
    kind = getattr(dtype, "kind", "O")
    size = getattr(dtype, "itemsize", 8)
    found = {
        "b": "boolean",
        "f": "float" if size <= _FOUR_BYTES else "double",
        "i": "integer" if size <= _FOUR_BYTES else "long",
        "u": "integer" if size < _FOUR_BYTES else "long",
        "M": "datetime",
    }.get(kind)
    if found:
        return found
    present = values.dropna()
    if len(present) and all(isinstance(value, bool) for value in present):
        return "boolean"
    if all(isinstance(value, str) for value in present):
        return "string"
    raise MlcraftError(
        f"the column {name!r} has values of type {dtype}, which a model's signature has no word for; "
        "expected numbers, booleans, times or text"
    )


def _tensor(predictions: Any) -> dict[str, Any]:
    shape = [-1, *list(getattr(predictions, "shape", (0,)))[1:]]
    dtype = getattr(predictions, "dtype", None)
    name = "str" if getattr(dtype, "kind", "O") in "OUST" else str(dtype)
    return {"type": "tensor", "tensor-spec": {"dtype": name, "shape": shape}}
