"""What `mlflow.pyfunc.load_model` calls to load a model of ours. Nothing is unpickled: skops makes known types only."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from airflow_mlcraft.errors import MlcraftError

TRUSTED = "MLCRAFT_TRUSTED_TYPES"
CODE_HASH = 16
_KNOWN = ("sklearn.", "airflow_mlcraft.ml.")


class SkopsModel:
    """A fitted estimator, as MLflow calls it."""

    def __init__(self, estimator: Any):
        self._estimator = estimator

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """What the estimator says; `{"method": "predict_proba"}` asks for probabilities."""
        method = (params or {}).get("method", "predict")
        if method not in ("predict", "predict_proba", "decision_function"):
            raise MlcraftError(f"a model cannot {method!r}; expected predict, predict_proba or decision_function")
        return getattr(self._estimator, method)(model_input)

    def get_raw_model(self) -> Any:
        """The estimator itself."""
        return self._estimator


def load(path: str | os.PathLike[str]) -> Any:
    """The estimator in a file. Classes of scikit-learn and our own are known; MLCRAFT_TRUSTED_TYPES names others."""
    from skops import io

    file = Path(path)
    named = {name.strip() for name in os.environ.get(TRUSTED, "").split(",") if name.strip()}
    try:
        unknown = set(io.get_untrusted_types(file=file))
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise MlcraftError(f"{file} cannot be read as a model: {error}") from error
    trusted = {name for name in unknown if name in named or _is_known_class(name)}
    if unknown - trusted:
        raise MlcraftError(
            f"{file} has types that are not known to be safe: {', '.join(sorted(unknown - trusted))}. "
            f"If you trust them, name them in the environment variable {TRUSTED}, separated by commas"
        )
    with _code_beside(file, trusted & named):
        return io.load(file, trusted=sorted(trusted))


@contextmanager
def _code_beside(file: Path, trusted: set[str]) -> Iterator[None]:
    """The user's own types come from files beside the model, whose names say which content was trusted."""
    folder = file.parent / "code"
    needed = {name.partition(".")[0] for name in trusted}
    files = [one for one in sorted(folder.glob("*.py")) if one.stem in needed]
    for one in files:
        if not one.stem.endswith(hashlib.sha256(one.read_bytes()).hexdigest()[:CODE_HASH]):
            raise MlcraftError(f"{one} is not the file that its name stands for; train the model again")
    if files:
        sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if files:
            sys.path.remove(str(folder))


def _load_pyfunc(path: str) -> SkopsModel:
    return SkopsModel(load(path))


def _is_known_class(name: str) -> bool:
    """Classes only: a function could be one that runs what it is given."""
    module, _, attribute = name.rpartition(".")
    if name == "numpy.dtype":
        return True
    if not module.startswith(_KNOWN):
        return False
    try:
        return isinstance(getattr(import_module(module), attribute, None), type)
    except ImportError:
        return False
