"""One step of machine learning for a project, outside of any run: with its keys, and in its own environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import dependencies
from airflow_mlcraft.project.embedded import environment
from airflow_mlcraft.project.manifest import Manifest
from airflow_mlcraft.project.places import Project
from airflow_mlcraft.steps.services import Services


def run_step(
    project: Project, manifest: Manifest, arguments: list[str], folder: Path, say: Callable[[str], None] | None = None
) -> None:
    """Run `mlcraft-step` with these arguments; its outputs are in the folder. A failure is told in the step's words."""
    from airflow_mlcraft.steps.command import run

    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        if say is not None:
            say(line)

    own = dependencies.prepare(project, hear)
    with environment(project, manifest):
        if own is None:
            code = run(arguments, folder=folder, services=Services(say=hear))
        else:
            code = own.run_step(arguments, folder, hear, {})
    if code != 0:
        raise ProjectError(said[-1].removeprefix("mlcraft-step: ") if said else f"the step {arguments[0]} failed")
