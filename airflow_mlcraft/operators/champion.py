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
    from airflow_mlcraft.operators.tracked import TaskRun
    from airflow_mlcraft.operators.work import Say, Work

REGISTRY = "registry"
"""The field of a hint that names the registered model."""


def registered_name(hint: Mapping[str, Json], plan: Plan) -> str:
    """What a document's model is called in the registry: by the hint, or as the document."""
    return str(hint.get(REGISTRY) or plan.root.id)


def champion_of_today(name: str, tracked: TaskRun, task: Work, say: Say) -> Json | None:
    """The champion as a Directory of the store; None where there is none, or none that can be had."""
    try:
        version = tracked.tracking.champion(name)
    except MlcraftError as error:
        say(logging.WARNING, f"the champion of {name} is not known, and is not compared with: {error}")
        return None
    if version is None:
        say(logging.INFO, f"{name} has no champion yet")
        return None
    oid = version.tags.get(tags.CONTENT, "")
    if oid not in task.store:
        say(
            logging.WARNING,
            f"version {version.version} of {name} is the champion, and is not compared with: "
            f"the store {task.store.url} does not have its files",
        )
        return None
    say(logging.INFO, f"the champion of today is version {version.version} of {name}")
    return {"class": "Directory", "location": f"{STORE}{oid}", "basename": "champion"}


def crown(name: str, model: Json, tracked: TaskRun, say: Say) -> None:
    """Register a model, and make it the champion; the champion of today becomes `previous`."""
    tracked.open().register(name, content=oid_of(model), champion=True)
    say(logging.INFO, f"the model is the champion of {name}: models:/{name}@{registry.CHAMPION}")
