"""The champion of a registered model: how it is found in the registry, and how another version takes its place."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.store.values import STORE, oid_of
from airflow_mlcraft.tracking import registry, tags

if TYPE_CHECKING:
    from airflow_mlcraft.operators.task_files import LogLine, TaskFiles
    from airflow_mlcraft.operators.task_run import TaskRun

REGISTRY = "registry"
"""The field of a hint that names the registered model."""


def registered_model_name(hint: Mapping[str, Json], plan: Plan) -> str:
    """The name of a document's model in the registry: the hint's, or else the document's own."""
    return str(hint.get(REGISTRY) or plan.root.id)


class UnknownChampionError(MlcraftError):
    """The registry does not respond, so that the champion is unknown."""


class ChampionFilesMissingError(MlcraftError):
    """The registry has a champion, but the store does not have its files."""


def find_champion(name: str, task_run: TaskRun, files: TaskFiles, log_line: LogLine) -> Json | None:
    """The champion as a Directory of the store; None where there is none.

    Raises an `UnknownChampionError` or a `ChampionFilesMissingError`.
    """
    try:
        version = task_run.tracking.get_champion(name)
    except MlcraftError as error:
        raise UnknownChampionError(f"the champion of {name} is not known: {error}") from None
    if version is None:
        log_line(logging.INFO, f"{name} has no champion yet")
        return None
    oid = version.tags.get(tags.CONTENT, "")
    if oid not in files.store:
        raise ChampionFilesMissingError(
            f"version {version.version} of {name} is the champion, and its files {oid or '(without a content hash)'} "
            f"are not in the store {files.store.url}: bring them back, as from a backup, by `dvc pull`, or with "
            "[mlcraft] store or store_remote where they were made"
        )
    log_line(logging.INFO, f"the champion of today is version {version.version} of {name}")
    return {"class": "Directory", "location": f"{STORE}{oid}", "basename": "champion"}


def register_champion(
    name: str, model: Json, task_run: TaskRun, log_line: LogLine, *, only_first: bool = False
) -> None:
    """Register a model, and make it the champion; the champion until now gets the alias `previous`.

    With `only_first` it becomes the champion only if there is none at the time when MLflow receives it.
    """
    task_run.open().register(name, content=oid_of(model), champion=True, only_first=only_first)
    if only_first:
        log_line(logging.INFO, f"the model becomes a version of {name}, and its champion if there is none")
    else:
        log_line(logging.INFO, f"the model is the champion of {name}: models:/{name}@{registry.CHAMPION}")
