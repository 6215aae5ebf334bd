"""The verbs `run`, `stop`, `status`, `logs`: the project's inference server, a process that outlives the command."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.ml_step import run_step
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.training import require_champion
from airflow_mlcraft.serving.process import local_server
from airflow_mlcraft.serving.process.rollout import STATE, Deployment

_POLL_SECONDS = 0.2
HOST = "127.0.0.1"


def deployment_folder(project: Project) -> Path:
    """The folder with the state of the project's server."""
    return project.deployments / project.name


def run(
    project: Project,
    *,
    port: int | None = None,
    host: str = HOST,
    workers: int = 1,
    log_predictions: bool = True,
    report: Callable[[str], None] = lambda _: None,
) -> Deployment:
    """Start the server with the champion; a running server loads it without dropping a request."""
    champion = require_champion(project)
    manifest = manifests.read_manifest(project)
    running = local_server.find_running(deployment_folder(project))
    port = port or (None if running else manifest.port)
    if running is None and port is not None:
        _check_port_is_free(host, port, project)
    arguments = ["serve", "--model", str(champion), "--name", project.name, "--state-folder", str(project.deployments)]
    arguments += ["--host", host, "--workers", str(workers), *(["--port", str(port)] if port else [])]
    arguments += ["--log-predictions", str(project.logs / "predictions")] if log_predictions else []
    with tempfile.TemporaryDirectory(prefix="mlcraft-serve-") as folder:
        run_step(project, manifest, arguments, Path(folder), report)
        return Deployment(**json.loads((Path(folder) / STATE).read_text("utf-8")))


def stop(project: Project) -> None:
    """Stop the server after it has answered pending requests."""
    if local_server.find_running(deployment_folder(project)) is None:
        raise ProjectError(f"no server of {project.name} runs", f"start one with `mlcraft run {project.name}`")
    local_server.stop(deployment_folder(project))


def status(project: Project) -> dict[str, Any]:
    """The status that the server reports; only `running: false` if there is none."""
    process = local_server.find_running(deployment_folder(project))
    if process is None:
        return {"project": project.name, "running": False}
    server_status = local_server.status(deployment_folder(project))
    return {
        "project": project.name,
        "running": True,
        "pid": process.pid,
        "current": _is_champion_served(project, server_status),
        **server_status,
    }


def _is_champion_served(project: Project, server_status: dict[str, Any]) -> bool:
    """Whether the served model is the champion."""
    from airflow_mlcraft.serving.model.folder import compute_model_hash

    return project.champion.is_dir() and compute_model_hash(project.champion) == server_status.get("content")


def log_lines(project: Project, lines: int) -> list[str]:
    """The last lines of the server's log."""
    path = deployment_folder(project) / local_server.LOG
    if not path.is_file():
        raise ProjectError(f"no server of {project.name} has run yet", f"start one with `mlcraft run {project.name}`")
    return local_server.log_lines(deployment_folder(project), lines)


def follow_log(project: Project, *, while_running: bool = False) -> Iterator[str]:
    """Yield new lines of the server's log, endlessly or while the server runs."""
    path = deployment_folder(project) / local_server.LOG
    with path.open(encoding="utf-8", errors="replace") as stream:
        stream.seek(0, 2)
        while True:
            if line := stream.readline():
                yield line.rstrip("\n")
                continue
            if while_running and local_server.find_running(deployment_folder(project)) is None:
                return
            time.sleep(_POLL_SECONDS)


def _check_port_is_free(host: str, port: int, project: Project) -> None:
    """Raise ProjectError if the port is in use, before a model is copied and a process started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ProjectError(
                f"port {port} of {host} cannot be had: {error.strerror}",
                f"name another with `mlcraft run {project.name} --port N`, or none for a free one",
            ) from None
