"""The Airflow of `mlcraft ui`: which DAG files it has, and a port that is taken."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.operators.permissions import build_permissions, check_job_requirements
from airflow_mlcraft.project.project_paths import Project, projects_of
from airflow_mlcraft.project.server.web_ui import _mlflow_options, _server_environment, prepare_home, run_until_stopped
from tests.operators.embedded import DOCUMENTS


def test_its_dag_files_import_the_projects_and_the_shipped_workflows(project: Project) -> None:
    root = projects_of(project).root
    home = prepare_home(projects_of(project))
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
            run_until_stopped(
                prepare_home(projects_of(project)), port=port, on_ready=lambda _: None, on_stopping=lambda: None
            )
    assert prepare_home(projects_of(project)).folder.stat().st_mode & 0o777 == 0o700, (
        "nobody else can read the password"
    )


def test_whoever_has_started_it_may_do_there_what_the_command_line_may(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = _server_environment(prepare_home(projects_of(project)), 8080, 5000)
    for name, value in environment.items():
        if name.startswith("AIRFLOW__MLCRAFT__"):
            monkeypatch.setenv(name, value)
    permissions = build_permissions(PlanCache(tmp_path / "cache").get_plan(DOCUMENTS / "echo.cwl"))
    assert not permissions.everything, "it is a server"
    own = tmp_path / "own.py"
    own.touch()
    permissions.check_code(own)
    permissions.check_connection("any")
    permissions.check_connection_host("any", "https://any.example/x", "https://other.example")
    permissions.check_secret("ANY", "https://any.example/x")
    permissions.check_path(Path("/etc/passwd"), "/etc/passwd")
    for source in ("http://127.0.0.1/x", "http://169.254.169.254/x", "s3://bucket/x"):
        permissions.check_source(source)
    check_job_requirements([{"class": "InitialWorkDirRequirement"}])


def test_only_this_machine_and_one_user_get_in(project: Project) -> None:
    home = prepare_home(projects_of(project))
    environment = _server_environment(home, 8080, 5000)
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin"
    assert environment["AIRFLOW__CORE__AUTH_MANAGER"].endswith("SimpleAuthManager")
    assert "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS" not in environment
    options = _mlflow_options(home, 5000)
    assert options[options.index("--host") + 1] == "127.0.0.1"
    assert not {"--app-name", "--allowed-hosts"} & set(options), "MLflow's server asks nobody who they are"
