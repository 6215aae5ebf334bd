"""`mlcraft deploy` on the command line, against moto and a real engine: a plan, a deployment, the end of it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from moto.ecr.models import Repository
from typer.testing import CliRunner

from airflow_mlcraft.cli.main import app
from airflow_mlcraft.deploying.aws.account import Account
from airflow_mlcraft.deploying.errors import ProgressReporter
from airflow_mlcraft.deploying.image import IDENTITY, prepare
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project import build as building
from airflow_mlcraft.project.delete import list_remaining
from airflow_mlcraft.project.project_paths import Project
from tests.deploying.aws.conftest import KEY, REGION, account, aws, credentials
from tests.deploying.aws.express_mode import express_mode
from tests.deploying.conftest import base, champion, client, project
from tests.deploying.registry import Registry, registry
from tests.serving.conftest import live_server

__all__ = ["account", "aws", "base", "champion", "client", "credentials", "project"]


def mlcraft(project: Project, *arguments: str) -> Any:
    words = [*arguments, "--projects", str(project.folder.parent)]
    return CliRunner().invoke(app, words)


def deploy_error(project: Project, *arguments: str) -> str:
    """The sentence on stderr; main() prints it."""
    found = mlcraft(project, "deploy", project.name, *arguments)
    assert isinstance(found.exception, MlcraftError), found.output
    return str(found.exception)


@pytest.fixture
def prepared_image(project: Project, base: str, client: DockerClient) -> Iterator[str]:
    """An image of a few bytes in place of the one that `build` would make, so that it is pushed at once."""
    recipe = building.build_recipe(project, base)
    identity = prepare(client, recipe, ProgressReporter()).identity
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("nothing"))
    client.api.import_image_from_data(
        stream.getvalue(), repository="mlcraft-tests/ready", tag=identity[:40], changes=[f"LABEL {IDENTITY}={identity}"]
    )
    yield identity
    for image in client.images.list(filters={"label": f"{IDENTITY}={identity}"}):
        client.images.remove(str(image.id), force=True)


@pytest.fixture
def ecr_registry(monkeypatch: pytest.MonkeyPatch, aws: Account) -> Iterator[Registry]:
    """A registry on this machine in place of ECR's."""
    with registry(login=f"AWS:{aws.id}-auth-token") as place:
        uri = property(lambda self: f"{place.host}/{self.name}", lambda self, value: None)
        monkeypatch.setattr(Repository, "uri", uri, raising=False)
        yield place


@pytest.mark.docker
@pytest.mark.registry
def test_from_a_plan_to_the_end(  # noqa: PLR0917
    project: Project, base: str, prepared_image: str, ecr_registry: Registry, aws: Account, tmp_path: Path
) -> None:
    project.secrets.write_text(f"MLCRAFT_API_KEY={KEY}\n")
    with (
        live_server(tmp_path / "server", project.champion, "--name", "iris", MLCRAFT_API_KEY=KEY) as server,
        express_mode(server.url),
    ):
        planned = mlcraft(project, "deploy", project.name, "--base", base, "--dry-run")
        assert planned.exit_code == 0, planned.output
        assert "create  ECS service" in planned.stdout
        assert "This is what would be done; nothing was." in planned.stdout
        other = mlcraft(project, "deploy", project.name, "--base", base, "--to", "aws-lambda", "--dry-run", "--json")
        kinds = [change["kind"] for change in json.loads(other.stdout)["changes"]]
        assert kinds == ["ECR repository", "image", "log group", "IAM role", "Lambda function", "function URL"]
        assert ecr_registry.manifests == {}

        done = mlcraft(project, "deploy", project.name, "--base", base, "--json")
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)
        assert (found["url"], found["region"], found["key"]) == (server.url, REGION, "mlcraft/iris-2/api-key")
        assert {change["action"] for change in found["changes"]} == {"create"}
        assert list(ecr_registry.manifests) == [("mlcraft/iris-2", prepared_image[:40])]
        assert KEY not in done.output
        service = f"the service iris-2 in AWS (aws, account {aws.id}, {REGION})"
        assert any(line.startswith(service) for line in list_remaining(project))

        unasked = "what was deployed of Iris_2 is only deleted when you say so"
        assert deploy_error(project, "--destroy") == f"{unasked}; mlcraft deploy Iris_2 --to aws --destroy --yes"
        gone = mlcraft(project, "deploy", project.name, "--destroy", "--yes")
        assert gone.exit_code == 0, gone.output
        assert "Iris_2 is gone from the AWS account" in gone.stdout
        assert not any(line.startswith(service) for line in list_remaining(project))
        again = mlcraft(project, "deploy", project.name, "--destroy")
        assert (again.exit_code, "Nothing of Iris_2 is in the AWS account" in again.stdout) == (0, True)


def test_sentences(project: Project, credentials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert deploy_error(project, "--to", "mars") == "there is no target 'mars'; expected aws or aws-lambda"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "")
    assert deploy_error(project).startswith("there are no AWS credentials here; log in with")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert deploy_error(project, "--to", "aws-lambda").startswith("no AWS region is named; name one with --region")


def test_without_docker_nothing_is_made(project: Project, aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{project.folder}/no.sock")
    assert deploy_error(project).startswith("no Docker engine answers")
    assert aws.client("ecr").describe_repositories()["repositories"] == []


def test_wrong_values_in_the_project(project: Project, credentials: None) -> None:
    text = project.manifest.read_text().replace("[targets.aws]", '[targets.aws]\nmemory = "much"')
    project.manifest.write_text(text)
    assert deploy_error(project).endswith("mlcraft.toml: targets.aws.memory is 'much'; expected a whole number")
