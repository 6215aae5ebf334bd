"""The champion of a registered model: who it is today, and the crowning of another."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.store.values import STORE, oid_of
from airflow_mlcraft.tracking import registry, tags

if TYPE_CHECKING:
    from airflow_mlcraft.operators.task_files import Say, Work
    from airflow_mlcraft.operators.task_run import TaskRun

REGISTRY = "registry"
"""The field of a hint that names the registered model."""


def registered_name(hint: Mapping[str, Json], plan: Plan) -> str:
    """What a document's model is called in the registry: by the hint, or as the document."""
    return str(hint.get(REGISTRY) or plan.root.id)


class UnknownChampionError(MlcraftError):
    """The registry does not answer, so nobody knows whether there is a champion."""


class LostChampionError(MlcraftError):
    """There is a champion, and the store does not have its files."""


def champion_of_today(name: str, tracked: TaskRun, task: Work, say: Say) -> Json | None:
    """The champion as a Directory of the store; None where there is none."""
    try:
        version = tracked.tracking.champion(name)
    except MlcraftError as error:
        raise UnknownChampionError(f"the champion of {name} is not known: {error}") from None
    if version is None:
        say(logging.INFO, f"{name} has no champion yet")
        return None
    oid = version.tags.get(tags.CONTENT, "")
    if oid not in task.store:
        raise LostChampionError(
            f"version {version.version} of {name} is the champion, and its files {oid or '(without a content hash)'} "
            f"are not in the store {task.store.url}: bring them back, as from a backup, by `dvc pull`, or with "
            "[mlcraft] store or store_remote where they were made"
        )
    say(logging.INFO, f"the champion of today is version {version.version} of {name}")
    return {"class": "Directory", "location": f"{STORE}{oid}", "basename": "champion"}


def crown(name: str, model: Json, tracked: TaskRun, say: Say, *, only_first: bool = False) -> None:
    """Register a model, and make it the champion; the champion of today becomes `previous`.

    With `only_first` it is the champion only if there is none when MLflow hears of it.
    """
    tracked.open().register(name, content=oid_of(model), champion=True, only_first=only_first)
    if only_first:
        say(logging.INFO, f"the model becomes a version of {name}, and its champion if there is none")
    else:
        say(logging.INFO, f"the model is the champion of {name}: models:/{name}@{registry.CHAMPION}")
