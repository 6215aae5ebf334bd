"""References to objects of the store: `.dvc` files, registered models, runs in Airflow's database."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import MlcraftError

if TYPE_CHECKING:
    from airflow_mlcraft.pruning.locations import Locations

DVC, REGISTERED, RUN = "a .dvc file", "a registered model", "a run"
_OID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?:\.dir)?(?![0-9a-f])")
_DVC_FILE_PATTERNS = ("*.dvc", "dvc.lock", "*/dvc.lock")
_SQLITE = "sqlite:///"


class References:
    """The objects that are referenced, and by what."""

    def __init__(self) -> None:
        self.kind_of: dict[str, str] = {}
        self.notes: list[str] = []
        """Messages about references that could not be read."""

    def add(self, text: str, kind: str) -> None:
        """Add each object name in a text; a folder may be named with or without `.dir`."""
        for oid in _OID.findall(text):
            self.kind_of.setdefault(oid, kind)
            self.kind_of.setdefault(f"{oid.removesuffix('.dir')}.dir", kind)


def find_references(locations: Locations, since: float) -> References:
    """Find all references. Raises MlcraftError if some cannot be read, since then nothing may be deleted."""
    references = References()
    for folder in locations.repositories:
        for text in _read_dvc_files(folder):
            references.add(text, DVC)
    for text in _read_registered_models():
        references.add(text, REGISTERED)
    if locations.in_airflow:
        _add_references_of_runs(references, locations.store, since)
    return references


def _read_dvc_files(folder: Path) -> Iterator[str]:
    """Read the `.dvc` files of a repository: those in the folder, and those of all commits."""
    from airflow_mlcraft.versioning.git import Git

    if not folder.is_dir():
        return
    git = Git(folder)
    if git.run_or_none("rev-parse", "--is-inside-work-tree") is None:
        return
    top = git.in_folder(Path(git.text("rev-parse", "--show-toplevel")))
    for name in top.text("ls-files", "-z", "--cached", "--others", "--", *_DVC_FILE_PATTERNS).split("\0"):
        if name and (top.folder / name).is_file():
            yield (top.folder / name).read_text("utf-8", "replace")
    yield top.text("log", "--all", "--format=", "--patch", "--no-ext-diff", "--no-textconv", "--", *_DVC_FILE_PATTERNS)


def _read_registered_models() -> Iterator[str]:
    """Read the tags, params and datasets of registered models and of the runs that logged them."""
    from airflow_mlcraft.hooks.mlflow import open_tracking

    tracking = open_tracking()
    if tracking is None:
        return
    if tracking.uri.startswith(_SQLITE) and not os.path.isfile(tracking.uri[len(_SQLITE) :]):  # noqa: PTH113
        return
    try:
        api = tracking.api()
        for name in api.list_registered_models():
            for version in api.list_versions(name):
                run = api.get_run(version.run_id) if version.run_id else None
                data: list[Any] = [version.source, dict(version.tags)]
                if run is not None:
                    data += [dict(run.tags), dict(run.params), [str(dataset) for dataset in run.datasets]]
                yield json.dumps(data)
    except MlcraftError as error:
        raise MlcraftError(
            f"the registered models are not known, so nothing of the store can be judged: {error}"
        ) from error


def _add_references_of_runs(references: References, store: Path, since: float) -> None:
    """Add the objects in XComs and configurations of runs that have not ended, or ended after `since`."""
    from airflow.configuration import conf

    if str(conf.get("database", "sql_alchemy_conn", fallback="")).startswith("airflow-db-not-allowed"):
        references.notes.append(
            "a task cannot read Airflow's database: of a run that waits for longer than the age, files may go"
        )
        return
    from sqlalchemy import or_, select
    from sqlalchemy.exc import SQLAlchemyError

    from airflow_mlcraft.adapters.airflow_core import DagRun, XComModel, create_session

    recent = or_(DagRun.end_date.is_(None), DagRun.end_date >= datetime.fromtimestamp(since, timezone.utc))
    of_run = (DagRun.dag_id == XComModel.dag_id) & (DagRun.run_id == XComModel.run_id)
    try:
        with create_session() as session:
            for value in session.scalars(select(XComModel.value).join(DagRun, of_run).where(recent)):
                _add_references_of_value(references, store, value)
            for value in session.scalars(select(DagRun.conf).where(recent)):
                _add_references_of_value(references, store, value)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().split("\n")[0]
        raise MlcraftError(
            f"Airflow's database cannot be read, so it is not known which runs go on: {reason}"
        ) from error


def _add_references_of_value(references: References, store: Path, value: Any) -> None:
    """Add the objects in a value of a run, and in the XCom that it refers to in the store."""
    from airflow_mlcraft.operators.xcom_overflow import STORE_REFERENCE
    from airflow_mlcraft.store.object_paths import object_path

    text = value if isinstance(value, str) else json.dumps(value, default=str)
    references.add(text, RUN)
    for oid in re.findall(rf"{STORE_REFERENCE}\W+([0-9a-f]{{32}})", text):
        path = store / object_path(oid)
        if path.is_file():
            references.add(path.read_text("utf-8", "replace"), RUN)
