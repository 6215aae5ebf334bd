"""What a project has outside its folder: images, a container, services. A deletion names what is noted here."""

from __future__ import annotations

import json
from typing import TypeAlias

from airflow_mlcraft.common.files import write_text_atomically
from airflow_mlcraft.project.project_paths import Project

ExternalResources: TypeAlias = "dict[str, str]"
"""What there is, each with a sentence on how it is removed."""


def read_resources(project: Project) -> ExternalResources:
    """All of it, the oldest first; nothing where the note cannot be read."""
    try:
        resources: ExternalResources = json.loads(project.external_resources.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return resources


def add_resource(project: Project, resource: str, removal: str) -> None:
    """Keep in mind that there is something, and how it is removed."""
    _write_resources(project, {**read_resources(project), resource: removal})


def remove_resource(project: Project, resource: str) -> None:
    """It is gone."""
    resources = read_resources(project)
    if resources.pop(resource, None) is not None:
        _write_resources(project, resources)


def _write_resources(project: Project, resources: ExternalResources) -> None:
    write_text_atomically(project.external_resources, json.dumps(resources, indent=1) + "\n")
