"""List of what a project has created outside its folder: images, containers, services. `delete` shows it."""

from __future__ import annotations

import json
from typing import TypeAlias

from airflow_mlcraft.common.files import write_text_atomically
from airflow_mlcraft.project.project_paths import Project

ExternalResources: TypeAlias = "dict[str, str]"
"""Descriptions of resources, each with a sentence on how to remove it."""


def read_resources(project: Project) -> ExternalResources:
    """All resources, oldest first; empty if the file cannot be read."""
    try:
        resources: ExternalResources = json.loads(project.external_resources.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return resources


def add_resource(project: Project, resource: str, removal: str) -> None:
    """Add a resource and how to remove it."""
    _write_resources(project, {**read_resources(project), resource: removal})


def remove_resource(project: Project, resource: str) -> None:
    """Remove a resource that no longer exists from the list."""
    resources = read_resources(project)
    if resources.pop(resource, None) is not None:
        _write_resources(project, resources)


def _write_resources(project: Project, resources: ExternalResources) -> None:
    write_text_atomically(project.external_resources, json.dumps(resources, indent=1) + "\n")
