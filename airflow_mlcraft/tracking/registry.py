"""Registered models: versions, and the aliases `champion` and `previous`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking import tags as names
from airflow_mlcraft.tracking.api import Api, LoggedModel, Version

CHAMPION = "champion"
PREVIOUS = "previous"


def register(api: Api, name: str, same: Sequence[LoggedModel], tags: Mapping[str, str]) -> Version:
    """A version of a registered model: of the first of models that are the same, unless there is one of another."""
    api.create_registered_model(name)
    for model in same:
        for version in api.versions(name, model.run_id):
            if version.source == model.artifact_uri:
                return version
    return api.create_version(name, same[0], tags)


def champion(api: Api, name: str) -> Version | None:
    """The champion of a registered model, if there is one."""
    return api.alias(name, CHAMPION)


def promote(api: Api, name: str, version: str, at: float | None = None) -> None:
    """Make a version the champion; the one of today becomes `previous`, first, so that there is always a champion.

    `at` says when it was decided: a decision that arrives late does not undo a later one.
    """
    at = time.time() if at is None else at
    today = champion(api, name)
    if today and today.version == version:
        return
    if today and float(today.tags.get(names.PROMOTED, 0)) > at:
        return
    api.tag_version(api.version(name, version), names.PROMOTED, repr(at))
    if today:
        api.set_alias(name, PREVIOUS, today.version)
    api.set_alias(name, CHAMPION, version)


def rollback(api: Api, name: str) -> Version:
    """Make the previous champion the champion again; the two change places."""
    today, before = champion(api, name), api.alias(name, PREVIOUS)
    if before is None:
        raise MlcraftError(f"the registered model {name!r} has no version with the alias {PREVIOUS!r} to go back to")
    if today is None or today.version != before.version:
        promote(api, name, before.version)
    return before
