"""Python dependencies of a project: listed in mlcraft.toml, installed in its own environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from airflow_mlcraft.common import python_environments
from airflow_mlcraft.common.extras import DISTRIBUTION
from airflow_mlcraft.common.files import write_text_atomically
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest as manifests
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.user_dirs import environments_folder


def changed_files(project: Project) -> list[Path]:
    """The files that `add_dependencies` changes."""
    return [project.manifest, project.requirements]


def add_dependencies(
    project: Project, requirements: Sequence[str], report: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Add dependencies, replace those of the same name, and install all. Returns the lines of requirements.txt."""
    added = [_validate_requirement(text) for text in requirements]
    names = {_canonical_name(requirement) for requirement in added}
    lines = project.requirements.read_text("utf-8").splitlines() if project.requirements.is_file() else []
    kept = [line for line in lines if _name_of_line(line) not in names]
    write_text_atomically(project.requirements, "\n".join([*kept, *added]) + "\n")
    before = [line for line in manifests.read_manifest(project).dependencies if _canonical_name(line) not in names]
    manifests.change_manifest(project, {"dependencies": [*before, *added]})
    prepare_environment(project, report)
    return python_environments.read_requirements(project.requirements)


def find_missing(
    project: Project, models: Sequence[str], is_installed: Callable[[str], bool] | None = None
) -> list[str]:
    """Requirements, as lightgbm>=4.6, that models of MLcraft's extras need and requirements.txt lacks.

    A project with requirements has an environment of its own, in which nothing else is installed.
    """
    is_installed = is_installed or _is_installed
    installed_lines = python_environments.read_requirements(project.requirements)
    listed = {_name_of_line(line) for line in installed_lines}
    missing = []
    for model in models:
        needed = _packages_of_extra(model)
        installed = not installed_lines and all(is_installed(_canonical_name(line)) for line in needed)
        if needed and not installed:
            missing += [line for line in needed if _canonical_name(line) not in listed]
    return list(dict.fromkeys(missing))


def _packages_of_extra(name: str) -> list[str]:
    """The requirements of an extra of MLcraft that apply to this system; empty if there is no such extra."""
    packages = []
    for line in metadata.requires(DISTRIBUTION) or ():
        requirement = Requirement(line)
        if (
            requirement.marker is not None
            and "extra" in str(requirement.marker)
            and requirement.marker.evaluate({"extra": name})
        ):
            requirement.marker = None
            packages.append(str(requirement))
    return packages


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def prepare_environment(
    project: Project, report: Callable[[str], None] = lambda _: None
) -> python_environments.Environment | None:
    """The Python environment of the project, created if necessary; None if requirements.txt is empty."""
    requirements = python_environments.read_requirements(project.requirements)
    return (
        python_environments.get_or_create_environment(requirements, environments_folder(), report)
        if requirements
        else None
    )


def _validate_requirement(text: str) -> str:
    try:
        return str(Requirement(text.strip()))
    except InvalidRequirement as error:
        raise ProjectError(
            f"{text!r} is no dependency: {str(error).splitlines()[0]}", "expected a name, as xgboost or xgboost>=2"
        ) from None


def _canonical_name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", Requirement(text).name).lower()


def _name_of_line(line: str) -> str:
    try:
        return _canonical_name(re.sub(r"(^|\s)#.*$", "", line).strip())
    except InvalidRequirement:
        return ""
