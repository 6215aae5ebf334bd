"""What a project needs beyond MLcraft: asked for in mlcraft.toml, and installed by requirements.txt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from airflow_mlcraft import environments
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.homes import environments_folder
from airflow_mlcraft.project.places import Project
from airflow_mlcraft.project.writing import write_text


def changed_by(project: Project) -> list[Path]:
    """The files that adding dependencies changes."""
    return [project.manifest, project.requirements]


def add(project: Project, wanted: Sequence[str], say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Add dependencies and install them; one that was there is replaced. Gives the lines of requirements.txt."""
    asked = [_checked(text) for text in wanted]
    names = {_name(one) for one in asked}
    lines = project.requirements.read_text("utf-8").splitlines() if project.requirements.is_file() else []
    kept = [line for line in lines if _name_in(line) not in names]
    write_text(project.requirements, "\n".join([*kept, *asked]) + "\n")
    before = [line for line in manifests.read(project).dependencies if _name(line) not in names]
    manifests.change(project, {"dependencies": [*before, *asked]})
    prepare(project, say)
    return environments.requirements_in(project.requirements)


def prepare(project: Project, say: Callable[[str], None] = lambda _: None) -> environments.Environment | None:
    """The project's own environment, made if it is not there yet; None where it needs none."""
    wanted = environments.requirements_in(project.requirements)
    return environments.environment(wanted, environments_folder(), say) if wanted else None


def _checked(text: str) -> str:
    try:
        return str(Requirement(text.strip()))
    except InvalidRequirement as error:
        raise ProjectError(
            f"{text!r} is no dependency: {str(error).splitlines()[0]}", "expected a name, as xgboost or xgboost>=2"
        ) from None


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", Requirement(text).name).lower()


def _name_in(line: str) -> str:
    try:
        return _name(re.sub(r"(^|\s)#.*$", "", line).strip())
    except InvalidRequirement:
        return ""
