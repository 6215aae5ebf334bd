"""Boosters of LightGBM, XGBoost and CatBoost beside a model's skops file, each in its library's own format.

These formats hold trees and numbers only, and their libraries read them in later versions, too. The skops file has
a `SavedBooster` in place of each.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.errors import MlcraftError

FOLDER = "boosters"
SUFFIXES = {"lightgbm": "txt", "xgboost": "ubj", "catboost": "cbm"}
BOOSTER_TYPES = frozenset(
    {
        "catboost.core.CatBoost",
        "catboost.core.CatBoostClassifier",
        "catboost.core.CatBoostRanker",
        "catboost.core.CatBoostRegressor",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRanker",
        "lightgbm.sklearn.LGBMRegressor",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRFClassifier",
        "xgboost.sklearn.XGBRFRegressor",
        "xgboost.sklearn.XGBRanker",
        "xgboost.sklearn.XGBRegressor",
    }
)
"""Classes of these libraries around a booster; without it they hold parameters and numbers."""
_THREADS = re.compile(r"\[num_threads: -?\d+\]")
_CATBOOST_TIME = "train_finish_time"
_CATBOOST_ID = "model_guid"


@dataclass
class SavedBooster:
    """The placeholder of a booster in a skops file: library, class, file in the folder `boosters`, and its SHA-256."""

    library: str
    kind: str
    file: str
    sha256: str
    state: dict[str, Any] = field(default_factory=dict)


@contextmanager
def save_boosters(model: Any, folder: Path) -> Iterator[None]:
    """Write the boosters of a fitted model into the folder `boosters`; within the context it has placeholders."""
    undo: list[Callable[[], None]] = []
    saved_boosters: dict[int, SavedBooster] = {}

    def save(value: Any) -> Any:
        library = _library_of(value)
        if not library:
            return value
        if id(value) not in saved_boosters:
            saved_boosters[id(value)] = _save_booster(value, library, len(saved_boosters) + 1, folder)
        return saved_boosters[id(value)]

    try:
        if any(library in sys.modules for library in SUFFIXES):
            _replace(model, save, {}, undo)
        yield
    finally:
        for restore in reversed(undo):
            restore()


def load_boosters(model: Any, folder: Path) -> Any:
    """Load the boosters from the folder `boosters`, and put them back into the model."""
    boosters: dict[int, Any] = {}

    def load(value: Any) -> Any:
        if not isinstance(value, SavedBooster):
            return value
        if id(value) not in boosters:
            boosters[id(value)] = _load_booster(value, folder)
        return boosters[id(value)]

    return _replace(model, load, {}, [])


@contextmanager
def use_threads(estimator: Any, count: int) -> Iterator[None]:
    """Let LightGBM and XGBoost use so many threads within the context, if they are set to one thread.

    The model does not depend on the number, for LightGBM with `deterministic`.
    """
    candidates: list[Any] = [estimator, getattr(estimator, "estimator", None)]
    parts = [part for part in candidates if _takes_threads(part)]
    for part in parts:
        part.set_params(n_jobs=count)
    try:
        yield
    finally:
        for part in (*parts, *([estimator.estimator_] if parts and hasattr(estimator, "estimator_") else [])):
            part.set_params(n_jobs=1)


def _takes_threads(part: Any) -> bool:
    if f"{type(part).__module__}.{type(part).__qualname__}" not in BOOSTER_TYPES or type(part).__module__.startswith(
        "catboost."
    ):
        return False
    params = part.get_params()
    is_deterministic = type(part).__module__.startswith("xgboost.") or bool(params.get("deterministic"))
    return is_deterministic and params.get("n_jobs") == 1


def _replace(value: Any, replaced: Callable[[Any], Any], seen: dict[int, Any], undo: list[Callable[[], None]]) -> Any:
    """Replace objects anywhere inside of a model, in place; tuples are created anew.

    `undo` collects the inverse actions.
    """
    new = replaced(value)
    if new is not value or isinstance(value, type | str | bytes | int | float | None):
        return new
    if id(value) in seen:
        return seen[id(value)]
    seen[id(value)] = value
    if type(value) is tuple:
        items = tuple(_replace(item, replaced, seen, undo) for item in value)
        if any(new_item is not other for new_item, other in zip(items, value, strict=True)):
            seen[id(value)] = items
        return seen[id(value)]
    for container, key, item in _items(value):
        other = _replace(item, replaced, seen, undo)
        if other is not item:
            container[key] = other
            undo.append(lambda container=container, key=key, item=item: container.__setitem__(key, item))  # type: ignore[misc]
    return value


def _items(value: Any) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(value, dict):
        yield from ((value, key, item) for key, item in list(value.items()))
    elif isinstance(value, list):
        yield from ((value, place, item) for place, item in enumerate(value))
    elif isinstance(value, np.ndarray):
        if value.dtype == object:
            yield from ((value, place, value[place]) for place in np.ndindex(value.shape))
        return
    attributes = getattr(value, "__dict__", None)
    if isinstance(attributes, dict):
        yield from ((attributes, key, item) for key, item in list(attributes.items()))


def _library_of(value: Any) -> str:
    """The library of a booster; empty for anything else. CatBoost's estimators are boosters themselves."""
    library = type(value).__module__.partition(".")[0]
    if library not in SUFFIXES:
        return ""
    if library == "catboost":
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        return library if name in BOOSTER_TYPES and value.is_fitted() else ""
    return library if type(value) is import_module(library).Booster else ""


def _save_booster(value: Any, library: str, number: int, folder: Path) -> SavedBooster:
    folder = folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number}.{library}.{SUFFIXES[library]}"
    kind, state = "Booster", dict[str, Any]()
    if library == "lightgbm":
        # All trees are saved; `best_iteration` is the number of trees that predict.
        path.write_text(_THREADS.sub("[num_threads: 1]", value.model_to_string(num_iteration=-1)), "utf-8")
        state = {"best_iteration": int(value.best_iteration)}
    elif library == "xgboost":
        path.write_bytes(bytes(value.save_raw("ubj")))
    else:
        kind, state = type(value).__name__, {"params": dict(value.get_params())}
        metadata = value.get_metadata()
        # Without the time and the random number, the same model always has the same bytes.
        metadata[_CATBOOST_TIME], metadata[_CATBOOST_ID] = "", ""
        value.save_model(str(path), format="cbm")
    return SavedBooster(library, kind, path.name, sha256_of_file(path), state)


def _load_booster(saved: SavedBooster, folder: Path) -> Any:
    path = folder / FOLDER / Path(saved.file).name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MlcraftError(f"the model is not whole: {path} cannot be read ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != saved.sha256:
        raise MlcraftError(f"{path} is not the file that the model was saved with; train the model again")
    library = _import_library(saved.library)
    if saved.library == "lightgbm":
        booster = library.Booster(model_str=content.decode("utf-8"))
        booster.best_iteration = saved.state["best_iteration"]
        return booster
    if saved.library == "xgboost":
        booster = library.Booster()
        booster.load_model(bytearray(content))
        return booster
    if f"catboost.core.{saved.kind}" not in BOOSTER_TYPES:
        raise MlcraftError(f"{path} is of a class {saved.kind!r} that CatBoost does not have")
    return getattr(library, saved.kind)(**saved.state["params"]).load_model(str(path), format="cbm")


def _import_library(library: str) -> Any:
    if library not in SUFFIXES:
        raise MlcraftError(f"a booster of {library!r} is not known; expected {', '.join(SUFFIXES)}")
    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        raise MlcraftError(missing_library_message(library)) from error
    except OSError as error:
        raise MlcraftError(unloadable_library_message(library, error)) from error


def unloadable_library_message(library: str, error: OSError) -> str:
    """The message for a library that is installed, but cannot be loaded on this system."""
    return f"{library} cannot be loaded: {error}; on Debian and Ubuntu `apt-get install libgomp1` brings OpenMP"


def missing_library_message(library: str) -> str:
    """The message for a library that is not installed."""
    return (
        f"the package {library} is not installed here; `pip install 'airflow-provider-mlcraft[{library}]'` installs "
        f"it, and for one project `mlcraft impl NAME model --no-edit -d {library}`"
    )
