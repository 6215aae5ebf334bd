"""What `mlflow.pyfunc.load_model` calls to load a model of ours. Nothing is unpickled: skops makes known types only."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import MlcraftError

TRUSTED = "MLCRAFT_TRUSTED_TYPES"
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
    unknown = set(io.get_untrusted_types(file=file))
    trusted = {name for name in unknown if name in named or _is_known_class(name)}
    if unknown - trusted:
        raise MlcraftError(
            f"{file} has types that are not known to be safe: {', '.join(sorted(unknown - trusted))}. "
            f"If you trust them, name them in the environment variable {TRUSTED}, separated by commas"
        )
    return io.load(file, trusted=sorted(trusted))


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
