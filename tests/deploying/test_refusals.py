"""Errors of `mlcraft build` that need no Docker engine."""

from __future__ import annotations

import shutil

import pytest

from airflow_mlcraft.deploying.errors import DeployingError
from airflow_mlcraft.deploying.image import check_tag, split_tag
from airflow_mlcraft.deploying.options import to_slug
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest
from airflow_mlcraft.project.build import build_image, build_recipe, choose_tags, read_image_options
from airflow_mlcraft.project.project_paths import Project


def test_no_engine(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{project.folder}/no.sock")
    with pytest.raises(DeployingError, match="no Docker engine answers .*; start Docker, or name"):
        build_image(project)


def test_no_champion(project: Project) -> None:
    shutil.rmtree(project.champion)
    with pytest.raises(ProjectError, match="Iris_2 has no champion yet; train one with `mlcraft train Iris_2`"):
        build_image(project)


@pytest.mark.parametrize("tag", ["Iris", "iris:a b", "iris:", "", "-iris", "registry.example.com/Iris"])
def test_names_that_docker_does_not_take(project: Project, tag: str) -> None:
    with pytest.raises(DeployingError, match="cannot be the name of an image"):
        check_tag(tag)
    if tag:
        with pytest.raises(DeployingError, match="cannot be the name of an image"):
            build_image(project, tags=[tag])


def test_names_that_docker_takes() -> None:
    for tag in ("iris", "iris:1", "localhost:5000/a/b_c:1.2-x", "123.dkr.ecr.eu-west-1.amazonaws.com/mlcraft/iris:1"):
        check_tag(tag)
    assert split_tag("localhost:5000/iris") == ("localhost:5000/iris", "latest")
    assert split_tag("localhost:5000/iris:7") == ("localhost:5000/iris", "7")
    assert to_slug("Iris_2") == "iris-2"


def test_a_push_to_nowhere(project: Project) -> None:
    with pytest.raises(DeployingError, match="iris-2:.* has no registry"):
        build_image(project, push=True)


def test_image_options_of_the_project(project: Project) -> None:
    manifest.change_manifest(
        project, {"targets.image.base": "python:3.12-slim", "targets.image.tag": "example.com/iris"}
    )
    recipe = build_recipe(project, read_image_options(project).base)
    assert recipe.base == "python:3.12-slim"
    tags = choose_tags(project, recipe, read_image_options(project))
    assert tags == (f"example.com/iris:{recipe.content[:12]}", "example.com/iris:latest")
    manifest.change_manifest(project, {"targets.image.bass": "x"})
    with pytest.raises(
        DeployingError, match=r"mlcraft.toml: targets.image has 'bass', which is unknown; expected base"
    ):
        read_image_options(project)
    manifest.change_manifest(project, {"targets.image.bass": None, "targets.image.base": 3})
    with pytest.raises(DeployingError, match=r"targets.image.base is 3; expected a text"):
        read_image_options(project)
