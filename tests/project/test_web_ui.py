"""The Airflow of `mlcraft ui`: which DAG files it has, and a port that is taken."""

from __future__ import annotations

import socket

import pytest

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.places import Project, projects_of
from airflow_mlcraft.project.web_ui import home_of, run_until_stopped


def test_its_dag_files_import_the_projects_and_the_shipped_workflows(project: Project) -> None:
    root = projects_of(project).root
    home = home_of(projects_of(project))
    texts = {path.stem: path.read_text() for path in home.dags.glob("*.py")}
    assert texts.keys() == {"projects", "shipped"}
    assert f"load_cwl_dags(globals(), {str(root)!r})" in texts["projects"]
    environment = home.environment()
    assert environment["AIRFLOW__MLCRAFT__DOCUMENTS"] == str(root)
    assert environment["AIRFLOW__CORE__DAGS_FOLDER"] == str(home.dags)
    assert [one.name for one in projects_of(project).all()] == ["iris"], "its folder is no project"


def test_a_port_that_is_taken(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ProjectError, match=f"port {port} is in use; name another, such as {port + 1}"):
            run_until_stopped(home_of(projects_of(project)), port=port, ready=lambda _: None, stopping=lambda: None)
