"""What a project needs beyond MLcraft: asked for in mlcraft.toml, and installed by requirements.txt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from airflow_mlcraft.common import python_environments
from airflow_mlcraft.common.files import write_text_atomically
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.user_dirs import environments_folder


def changed_by(project: Project) -> list[Path]:
    """The files that adding dependencies changes."""
    return [project.manifest, project.requirements]


def add(project: Project, wanted: Sequence[str], say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Add dependencies and install them; one that was there is replaced. Gives the lines of requirements.txt."""
    asked = [_checked(text) for text in wanted]
    names = {_name(one) for one in asked}
    lines = project.requirements.read_text("utf-8").splitlines() if project.requirements.is_file() else []
    kept = [line for line in lines if _name_in(line) not in names]
    write_text_atomically(project.requirements, "\n".join([*kept, *asked]) + "\n")
    before = [line for line in manifests.read(project).dependencies if _name(line) not in names]
    manifests.change(project, {"dependencies": [*before, *asked]})
    prepare(project, say)
    return python_environments.requirements_in(project.requirements)


def lacking_for(
    project: Project, models: Sequence[str], is_installed: Callable[[str], bool] | None = None
) -> list[str]:
    """What requirements.txt has to ask for so that models of MLcraft's extras can be trained, as lightgbm>=4.6.

    A project with requirements has an environment of its own, in which nothing else is installed.
    """
    is_installed = is_installed or _is_installed
    there = python_environments.requirements_in(project.requirements)
    named = {_name_in(line) for line in there}
    found = []
    for model in models:
        wanted = _of_extra(model)
        installed = not there and all(is_installed(_name(line)) for line in wanted)
        if wanted and not installed:
            found += [line for line in wanted if _name(line) not in named]
    return list(dict.fromkeys(found))


def _of_extra(name: str) -> list[str]:
    """The packages of an extra of MLcraft on this system; nothing where there is no such extra."""
    found = []
    for line in metadata.requires(python_environments.DISTRIBUTION) or ():
        one = Requirement(line)
        if one.marker is not None and "extra" in str(one.marker) and one.marker.evaluate({"extra": name}):
            one.marker = None
            found.append(str(one))
    return found


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def prepare(project: Project, say: Callable[[str], None] = lambda _: None) -> python_environments.Environment | None:
    """The project's own environment, made if it is not there yet; None where it needs none."""
    wanted = python_environments.requirements_in(project.requirements)
    return python_environments.environment(wanted, environments_folder(), say) if wanted else None


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
