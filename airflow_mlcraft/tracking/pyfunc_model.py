"""Loader that `mlflow.pyfunc.load_model` calls. Nothing is unpickled; only trusted types are instantiated."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.ml import model_file, user_code
from airflow_mlcraft.ml.boosters import SUFFIXES, load_boosters, missing_library_message
from airflow_mlcraft.tracking import trusted_types
from airflow_mlcraft.tracking.user_process import with_user_process

CODE_HASH_LENGTH = 16


class SkopsModel:
    """A fitted estimator with the interface of a pyfunc model."""

    def __init__(self, estimator: Any):
        self._estimator = estimator

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions; with params `{"method": "predict_proba"}`, the probabilities."""
        method = (params or {}).get("method", "predict")
        if method not in ("predict", "predict_proba", "decision_function"):
            raise MlcraftError(f"a model cannot {method!r}; expected predict, predict_proba or decision_function")
        return getattr(self._estimator, method)(model_input)

    def get_raw_model(self) -> Any:
        """Return the estimator itself."""
        return self._estimator


def find_unknown_types(file: Path) -> set[str]:
    """Return the types in a model file that are not known to be safe."""
    try:
        return {name for name in model_file.untrusted_types(file) if not trusted_types.is_known(name)}
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise MlcraftError(f"{file} cannot be read as a model: {error}") from error


def load(path: str | os.PathLike[str]) -> Any:
    """Load the estimator in a file. Types of scikit-learn, boosters and this package are known; others need trust.

    They are trusted if the model is signed with the user's key, or if MLCRAFT_TRUSTED_TYPES names them.
    """
    file = Path(path)
    unknown = find_unknown_types(file)
    trusted = unknown & trusted_types.read_types_named_by_user()
    if unknown - trusted:
        trusted |= unknown & trusted_types.read_signed_types(file)
    if unknown - trusted:
        raise trusted_types.untrusted_types_error(file, unknown - trusted)
    try:
        _import_code_beside(file, trusted)
        model = model_file.load_model(file, trusted=model_file.untrusted_types(file))
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        raise MlcraftError(
            missing_library_message(library)
            if library in SUFFIXES
            else f"{file} needs {error.name}, which is not installed here"
        ) from error
    return load_boosters(model, file.parent)


def _import_code_beside(file: Path, trusted: set[str]) -> None:
    """Import the user's own types from files beside the model, whose names end with the hash of the trusted content.

    No other file of the folder can be imported: it is on no path.
    """
    needed = {name.partition(".")[0] for name in trusted}
    for one in sorted((file.parent / "code").glob("*.py")):
        if one.stem not in needed:
            continue
        content = one.read_bytes()
        if not one.stem.endswith(hashlib.sha256(content).hexdigest()[:CODE_HASH_LENGTH]):
            raise MlcraftError(f"{one} is not the file that its name stands for; train the model again")
        user_code.import_content(one.stem, one, content)


def _load_pyfunc(path: str) -> SkopsModel:
    return SkopsModel(with_user_process(load(path), Path(path).parent))
