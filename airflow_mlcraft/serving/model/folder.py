"""MLflow model folders with an estimator in skops format, read without mlflow and without pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.model.signature import Signature, parse_signature
from airflow_mlcraft.tracking import pyfunc_model
from airflow_mlcraft.tracking.model_folder import LOADER
from airflow_mlcraft.tracking.user_process import with_user_process

DESCRIPTION_FILE = "model.json"
_EXAMPLE_FILE = "serving_input_example.json"


@dataclass(frozen=True)
class ModelFolder:
    """The metadata of a model folder: its hash (`content`), model.json (`description`) and input example."""

    path: Path
    content: str
    signature: Signature
    description: Mapping[str, Any] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None
    estimator_file: str = ""

    def load_estimator(self) -> Any:
        """Load the fitted estimator, with the user's `process` before it where the model has one."""
        try:
            return with_user_process(pyfunc_model.load(self.path / self.estimator_file), self.path)
        except MlcraftError:
            raise
        except Exception as error:
            raise ServingError(f"{self.path / self.estimator_file} cannot be loaded as a model: {error}") from error


def read_model_folder(path: Path) -> ModelFolder:
    """Read the metadata of a model folder; raises ServingError when it is not a model that can be served."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        mlmodel = YAML(typ="safe").load((path / "MLmodel").read_text())
    except FileNotFoundError:
        raise ServingError(f"{path} is no model: it has no file MLmodel") from None
    except (YAMLError, OSError, UnicodeDecodeError) as error:
        raise ServingError(f"{path / 'MLmodel'} cannot be read: {error}") from None
    if not isinstance(mlmodel, dict):
        raise ServingError(f"{path / 'MLmodel'} is no description of a model")
    estimator_file = _find_estimator_file(mlmodel, path)
    if not (path / estimator_file).is_file():
        raise ServingError(f"{path} is no whole model: {estimator_file} is missing")
    return ModelFolder(
        path=path,
        content=compute_model_hash(path),
        signature=parse_signature(mlmodel, str(path / "MLmodel")),
        description=_load_json(path / DESCRIPTION_FILE) or {},
        example=_load_json(path / _EXAMPLE_FILE),
        estimator_file=estimator_file,
    )


def compute_model_hash(path: Path) -> str:
    """A hash over the names and bytes of all files: the identity of a model."""
    folder_hash = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        folder_hash.update(f"{file.relative_to(path).as_posix()}\0{sha256_of_file(file)}\n".encode())
    return folder_hash.hexdigest()


def _find_estimator_file(mlmodel: Mapping[str, Any], path: Path) -> str:
    flavors = mlmodel.get("flavors") or {}
    pyfunc = flavors.get("python_function") or {}
    if pyfunc.get("loader_module") == LOADER:
        return str(pyfunc["data"])
    sklearn = flavors.get("sklearn") or {}
    if sklearn.get("serialization_format") == "skops":
        return str(sklearn["pickled_model"])
    raise ServingError(
        f"{path} keeps its model in a form that would run code when it is loaded; "
        "expected a scikit-learn model in the skops format"
    )


def _load_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ServingError(f"{path} is not JSON: {error}") from None
