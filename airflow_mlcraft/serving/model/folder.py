"""An MLflow model folder whose estimator is in a file of skops, read without mlflow and without pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.model.signature import Signature, read_signature
from airflow_mlcraft.tracking import pyfunc_model
from airflow_mlcraft.tracking.model_folder import LOADER
from airflow_mlcraft.tracking.user_process import with_own_process

DESCRIPTION = "model.json"
_EXAMPLE = "serving_input_example.json"


@dataclass(frozen=True)
class ModelFolder:
    """What a model folder says about itself; the estimator is loaded apart."""

    path: Path
    content: str
    signature: Signature
    described: Mapping[str, Any] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None
    estimator_file: str = ""

    def load_estimator(self) -> Any:
        """The fitted estimator, behind the user's `process` where the model has one."""
        try:
            return with_own_process(pyfunc_model.load(self.path / self.estimator_file), self.path)
        except MlcraftError:
            raise
        except Exception as error:
            raise ServingError(f"{self.path / self.estimator_file} cannot be loaded as a model: {error}") from error


def open_model(path: Path) -> ModelFolder:
    """Read what a model folder says."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        described = YAML(typ="safe").load((path / "MLmodel").read_text())
    except FileNotFoundError:
        raise ServingError(f"{path} is no model: it has no file MLmodel") from None
    except (YAMLError, OSError, UnicodeDecodeError) as error:
        raise ServingError(f"{path / 'MLmodel'} cannot be read: {error}") from None
    if not isinstance(described, dict):
        raise ServingError(f"{path / 'MLmodel'} is no description of a model")
    estimator_file = _estimator_file(described, path)
    if not (path / estimator_file).is_file():
        raise ServingError(f"{path} is no whole model: {estimator_file} is missing")
    return ModelFolder(
        path=path,
        content=content_of(path),
        signature=read_signature(described, str(path / "MLmodel")),
        described=_json(path / DESCRIPTION) or {},
        example=_json(path / _EXAMPLE),
        estimator_file=estimator_file,
    )


def content_of(path: Path) -> str:
    """A hash over the names and bytes of all files: what makes two models the same."""
    whole = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        whole.update(f"{file.relative_to(path).as_posix()}\0{_digest(file)}\n".encode())
    return whole.hexdigest()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _estimator_file(described: Mapping[str, Any], path: Path) -> str:
    flavors = described.get("flavors") or {}
    ours = flavors.get("python_function") or {}
    if ours.get("loader_module") == LOADER:
        return str(ours["data"])
    sklearn = flavors.get("sklearn") or {}
    if sklearn.get("serialization_format") == "skops":
        return str(sklearn["pickled_model"])
    raise ServingError(
        f"{path} keeps its model in a form that would run code when it is loaded; "
        "expected a scikit-learn model in the skops format"
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ServingError(f"{path} is not JSON: {error}") from None
