"""Run of a single document on an Airflow server: upload of the document and its files, run, download of outputs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.layout.layout import build_layout
from airflow_mlcraft.project.embedded import new_run_id
from airflow_mlcraft.project.server.api import ServerApi
from airflow_mlcraft.runner.events import StepProgress, TaskEvent
from airflow_mlcraft.runner.run_dag import sigterm_as_exit
from airflow_mlcraft.store.values import file_location, iterate_files_and_directories, local_path

DOCUMENTS_FOLDER = "composer"
"""The folder of uploaded documents, below the server's folder of documents."""
_POLL_SECONDS = 1.0
_IMPORT_TIME_LIMIT = 180.0
_FINISHED_STATES = ("success", "failed", "upstream_failed", "skipped", "removed")
_RUN_ID_PREFIX = "composer"
_HASH_LENGTH = 10


def run_on_server(
    document: Path,
    plan: Plan,
    job: Mapping[str, Json],
    *,
    url: str,
    outdir: Path,
    login: Path | None = None,
    on_step: Callable[[str, str, str], None] | None = None,
) -> Json:
    """Run a document on a server. Returns the output object. Ctrl-C and SIGTERM stop the run on the server too."""
    text = _read_single_document(document, plan)
    with ServerApi(url, {**os.environ, **_read_login(login)}) as api, sigterm_as_exit():
        dag_id = api.save_document(
            f"{DOCUMENTS_FOLDER}/{_document_name(plan.root.id or document.stem, text)}.cwl", text
        )
        _wait_for_dag(api, dag_id)
        api.unpause(dag_id)
        run_id = new_run_id(_RUN_ID_PREFIX)
        api.trigger(dag_id, run_id, _upload_files(api, dag_id, job))
        try:
            state = _wait_for_end(api, dag_id, run_id, StepProgress(plan, on_step) if on_step else None)
        except BaseException:
            api.stop(dag_id, run_id)
            raise
        if state != "success":
            failed = sorted({task["task_id"] for task in api.list_tasks(dag_id, run_id) if task["state"] == "failed"})
            raise ProjectError(
                f"{', '.join(failed) or 'the run'} failed on the server", f"see {api.url}/dags/{dag_id}/runs/{run_id}"
            )
        return _copy_outputs(api.read_xcom(dag_id, run_id, build_layout(plan).outputs_task_id), outdir)


def _document_name(process: str, text: str) -> str:
    """The name of an uploaded document with a hash of its text, so that each content has its own DAG."""
    return f"{re.sub(r'[^A-Za-z0-9_]', '_', process)}_{hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]}"


def _read_single_document(document: Path, plan: Plan) -> str:
    from airflow_mlcraft.cwl.load import load

    loaded = load(document)
    if others := sorted(uri.rpartition("/")[2] for uri in loaded.sources.keys() - {document.absolute().as_uri()}):
        raise ProjectError(
            f"{plan.document} refers to {', '.join(others)}, and the server takes a document that is all in one file",
            "pack it, or import its folder there",
        )
    return document.read_text(encoding="utf-8")


def _read_login(login: Path | None) -> dict[str, str]:
    if login is None:
        return {}
    if not login.is_file():
        raise ProjectError(f"there is no file {login} with the login of the server")
    return {name: value for name, value in dotenv_values(login, interpolate=False).items() if value}


def _wait_for_dag(api: ServerApi, dag_id: str) -> None:
    deadline = time.monotonic() + _IMPORT_TIME_LIMIT
    while not api.has_dag(dag_id):
        if time.monotonic() > deadline:
            raise ProjectError(
                f"the Airflow at {api.url} has not imported {dag_id} within {_IMPORT_TIME_LIMIT:.0f} s",
                "its import errors may say why",
            )
        time.sleep(_POLL_SECONDS / 2)


def _upload_files(api: ServerApi, dag_id: str, value: Json) -> Json:
    """Upload local files of a job; returns the job with the files of the server."""
    if isinstance(value, list):
        return [_upload_files(api, dag_id, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.get("class") == "File" and (path := local_path(value)):
        uploaded = api.upload(dag_id, Path(path), str(value.get("basename") or Path(path).name))
        rest = {key: item for key, item in value.items() if key not in ("location", "path", "basename")}
        value = {**rest, **uploaded}
    elif value.get("class") == "Directory" and "listing" not in value and (folder := local_path(value)):
        listing = [
            {"class": "Directory" if path.is_dir() else "File", "location": file_location(path), "basename": path.name}
            for path in sorted(Path(folder).iterdir())
        ]
        value = {"class": "Directory", "basename": value.get("basename") or Path(folder).name, "listing": listing}
    return {key: _upload_files(api, dag_id, item) for key, item in value.items()}


def _wait_for_end(api: ServerApi, dag_id: str, run_id: str, steps: StepProgress | None) -> str:
    reported: dict[tuple[str, int], str] = {}
    while True:
        # The state of the run is read first: after its end, all tasks have ended.
        state = api.get_run_state(dag_id, run_id)
        if steps is not None:
            _report_steps(api.list_tasks(dag_id, run_id), reported, steps)
        if state in ("success", "failed"):
            return state
        time.sleep(_POLL_SECONDS)


def _report_steps(tasks: list[dict[str, Any]], reported: dict[tuple[str, int], str], steps: StepProgress) -> None:
    remaining = Counter(task["task_id"] for task in tasks if task["state"] not in _FINISHED_STATES)
    done = len(tasks) - sum(remaining.values())
    for task in tasks:
        key, state = (task["task_id"], task["map_index"]), str(task["state"] or "")
        if reported.get(key) != state:
            reported[key] = state
            steps.on_event(
                TaskEvent(
                    *key, state, task["try_number"], None, None, None, done, len(tasks), remaining[task["task_id"]]
                )
            )


def _copy_outputs(outputs: Json, outdir: Path) -> Json:
    """Copy output files to `outdir`, if this machine can read the server's files. Returns the output object."""
    for value in iterate_files_and_directories(outputs):
        path = Path(local_path(value) or "/dev/null")
        if path.is_file() or path.is_dir():
            target = _find_free_path(outdir.absolute() / str(value.get("basename") or path.name))
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, target)
            else:
                shutil.copyfile(path, target)
            value["location"] = file_location(target)
            value.pop("path", None)
    return outputs


def _find_free_path(path: Path) -> Path:
    number, candidate = 1, path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return candidate
