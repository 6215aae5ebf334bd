"""Registered models: versions, and the aliases `champion` and `previous`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking import tags as names
from airflow_mlcraft.tracking.api import Api, LoggedModel, Version

CHAMPION = "champion"
PREVIOUS = "previous"


def register_model(api: Api, name: str, candidates: Sequence[LoggedModel], tags: Mapping[str, str]) -> Version:
    """Return the version made from one of `candidates`, which are equal models; else create one from the first."""
    api.create_registered_model(name)
    for model in candidates:
        for version in api.list_versions(name, model.run_id):
            if version.source == model.artifact_uri:
                return version
    return api.create_version(name, candidates[0], tags)


def get_champion(api: Api, name: str) -> Version | None:
    """Return the version with the alias `champion`, or None."""
    return api.get_version_by_alias(name, CHAMPION)


def promote(api: Api, name: str, version: str, at: float | None = None) -> None:
    """Make a version the champion. The alias `previous` is set first, so that there is always a champion.

    `at` is the time of the decision: an earlier decision that arrives late does not undo a later one.
    """
    at = time.time() if at is None else at
    current = get_champion(api, name)
    if current and current.version == version:
        return
    if current and float(current.tags.get(names.PROMOTED, 0)) > at:
        return
    api.tag_version(api.get_version(name, version), names.PROMOTED, repr(at))
    if current:
        api.set_alias(name, PREVIOUS, current.version)
    api.set_alias(name, CHAMPION, version)


def rollback(api: Api, name: str) -> Version:
    """Make the previous champion the champion again; the two change places."""
    current, previous = get_champion(api, name), api.get_version_by_alias(name, PREVIOUS)
    if previous is None:
        raise MlcraftError(f"the registered model {name!r} has no version with the alias {PREVIOUS!r} to go back to")
    if current is None or current.version != previous.version:
        promote(api, name, previous.version)
    return previous
