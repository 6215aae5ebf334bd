"""`mlcraft build` with a Docker engine: content of the image, its container, and failures that leave nothing behind."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from docker import DockerClient
from typer.testing import CliRunner

from airflow_mlcraft.cli.main import app
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from airflow_mlcraft.deploying.image import push
from airflow_mlcraft.project.build import BuiltImage, build_image, container_name
from airflow_mlcraft.project.delete import list_remaining
from airflow_mlcraft.project.project_paths import Project
from tests.deploying.conftest import KEY
from tests.deploying.registry import registry
from tests.serving.conftest import free_port, wait_until
from tests.steps.processed import PARTS, process_table

pytestmark = [pytest.mark.docker, pytest.mark.registry]


def send_request(url: str, method: str, path: str, body: Any = None, key: str = KEY) -> tuple[int, Any]:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    headers = {"Content-Type": "application/json", **({"X-API-Key": key} if key else {})}
    with contextlib.closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_the_container_predicts(built: BuiltImage, iris: Project) -> None:
    status, health = send_request(built.url, "GET", "/health")
    assert (status, health["model"]) == (200, built.image.labels["org.opencontainers.image.version"])
    _, about = send_request(built.url, "GET", "/model")
    assert about["name"] == iris.name
    status, output = send_request(built.url, "POST", "/predict", {"records": about["example"]})
    assert (status, output["predictions"]) == (200, [0, 0, 0, 0, 0])


def test_an_image_of_boosters(other_project: Project, base: str, client: DockerClient, tmp_path: Path) -> None:
    """Trained as users do, LightGBM and XGBoost together; the image predicts before it gets its name."""
    code = """
from lightgbm import LGBMClassifier
from sklearn.ensemble import VotingClassifier
from xgboost import XGBClassifier

class Both(VotingClassifier):
    pass

def estimators():
    return {"both": Both([("a", LGBMClassifier(n_estimators=5, verbose=-1)), ("b", XGBClassifier(n_estimators=5))])}
"""
    steps = process_table(tmp_path / "steps")
    (steps.folder / "model.py").write_text(code)
    steps.run_checked("train", *PARTS, "--model", "both", "--code", "model.py", "--folds", "0")
    shutil.rmtree(other_project.champion)
    shutil.copytree(steps.folder / "model", other_project.champion)
    made = build_image(other_project, base=base)
    try:
        assert made.image.size > 0
    finally:
        for tag in made.image.tags:
            client.images.remove(tag)


def test_a_deletion_would_name_it(built: BuiltImage, iris: Project) -> None:
    kept = list_remaining(iris)
    assert f"the container {built.container}; `docker rm --force {built.container}` removes it" in kept
    for name in built.image.tags:
        assert f"the image {name}; `docker image rm {name}` removes it" in kept


def test_the_key_of_the_project_guards_it(built: BuiltImage) -> None:
    assert send_request(built.url, "GET", "/model", key="")[0] == 401


def test_it_runs_read_only_and_without_rights(built: BuiltImage, client: DockerClient) -> None:
    container = client.containers.get(built.container)
    assert container.health == "healthy"
    host = container.attrs["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"]) == (True, ["ALL"])
    code, who = container.exec_run(["python", "-c", "import os; print(os.getuid(), os.getgid())"])
    assert (code, who.split()) == (0, [b"65532", b"65532"])
    code, _ = container.exec_run(["python", "-c", "open('/opt/mlcraft/new', 'w')"])
    assert code != 0
    assert "DATA_KEY" not in str(container.attrs["Config"]["Env"])


def test_the_image_has_the_packages_of_the_model_and_no_airflow(built: BuiltImage, client: DockerClient) -> None:
    program = (
        "import importlib.metadata as m, importlib.util as u, json;"
        "names = ('airflow', 'mlflow', 'dvc', 'boto3', 'pip_audit', 'matplotlib', 'airflow_mlcraft.project');"
        "print(json.dumps([m.version('scikit-learn'), [n for n in names if u.find_spec(n)]]))"
    )
    output = client.containers.run(
        built.image.id, ["-c", program], entrypoint="python", remove=True, network_disabled=True
    )
    from sklearn import __version__

    assert json.loads(output) == [__version__, []]


def test_no_secret_and_no_data_is_in_the_image(built: BuiltImage, client: DockerClient) -> None:
    program = (
        "import json, pathlib; here = pathlib.Path('/opt/mlcraft');"
        "print(json.dumps([[str(p) for p in here.rglob('*') if p.is_file() and b'top-secret-7' in p.read_bytes()],"
        "sorted(p.name for p in here.iterdir()), sorted(p.name for p in (here / 'model').iterdir())]))"
    )
    output = client.containers.run(
        built.image.id, ["-c", program], entrypoint="python", remove=True, network_disabled=True
    )
    found, top, model = json.loads(output)
    assert (found, top) == ([], ["lib", "model", "packages", "requirements.txt", "server"])
    assert model == [
        "MLmodel",
        "input_example.json",
        "model.json",
        "model.skops",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
    ]
    assert "top-secret-7" not in json.dumps(client.api.history(built.image.id)) and KEY not in json.dumps(
        client.api.inspect_image(built.image.id)
    )


def test_labels_name_run_data_and_commit(built: BuiltImage, iris: Project, base: str) -> None:
    labels = built.image.labels
    assert labels["org.opencontainers.image.title"] == iris.name.replace("_", " ")
    assert labels["org.opencontainers.image.revision"] == "c0ffee"
    assert labels["org.opencontainers.image.base.name"] == base
    assert (labels["mlcraft.run"], labels["mlcraft.data"]) == ("train_1", "sha1$77")
    assert labels["mlcraft.model"].startswith(labels["org.opencontainers.image.version"])


def test_a_second_build_reuses_the_image(built: BuiltImage, iris: Project, base: str) -> None:
    done: list[str] = []
    again = build_image(iris, base=base, progress=ProgressReporter(lambda text, *_: done.append(text)))
    assert again.image.id == built.image.id
    assert not [text for text in done if text.startswith("Building")]
    output = CliRunner().invoke(
        app, ["build", iris.name, "--base", base, "--json", "--projects", str(iris.folder.parent)]
    )
    found = json.loads(output.stdout)
    assert (found["id"], tuple(found["tags"])) == (built.image.id, built.image.tags)


def test_a_container_is_replaced_unless_the_new_one_fails(
    built: BuiltImage, iris: Project, base: str, client: DockerClient
) -> None:
    again = build_image(iris, base=base, run=True)
    assert again.container == built.container == container_name(iris)
    running = client.containers.get(built.container).id
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(DeployingError, match=f"port {port}"):
        build_image(iris, base=base, run=True, port=port)
    container = client.containers.get(built.container)
    assert (container.id, container.status) == (running, "running")
    assert not client.containers.list(all=True, filters={"name": f"{built.container}-before"})


@pytest.fixture
def small_image(client: DockerClient) -> Iterator[str]:
    """An image of a few bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("nothing"))
    output = json.loads(client.api.import_image_from_data(stream.getvalue(), changes=["LABEL mlcraft.run=train_1"]))
    yield output["status"]
    client.images.remove(output["status"], force=True)


def test_push(small_image: str, client: DockerClient) -> None:
    with registry(login="somebody:secret") as place:
        client.images.get(small_image).tag(f"{place.host}/team/iris", "7")
        login = {"username": "somebody", "password": "secret"}
        digest = push(client, f"{place.host}/team/iris", "7", ProgressReporter(), login)
        assert digest == f"sha256:{hashlib.sha256(place.manifests['team/iris', '7']).hexdigest()}"
        assert place.config("team/iris", "7")["config"]["Labels"] == {"mlcraft.run": "train_1"}
        with pytest.raises(DeployingError, match="team/iris:7 cannot be pushed: .*; log in with `docker login`"):
            push(client, f"{place.host}/team/iris", "7", ProgressReporter())


def test_a_model_that_cannot_be_loaded_gets_no_tag(other_project: Project, base: str, client: DockerClient) -> None:
    (other_project.champion / "model.skops").write_bytes(b"nothing")
    with pytest.raises(DeployingError, match=r"the container ended at once .* cannot be read as a model"):
        build_image(other_project, base=base)
    assert_nothing_of(other_project, client)


@pytest.mark.parametrize("moment", [b"Building: COPY", b"Trying the image"])
def test_an_interrupted_build_leaves_no_tag(
    other_project: Project, base: str, client: DockerClient, moment: bytes
) -> None:
    """In the middle, and at the last moment before the image gets its name."""
    output = other_project.folder / "said"
    command = [sys.executable, "-m", "airflow_mlcraft.cli.main", "build", other_project.name, "--base", base]
    command += ["--projects", str(other_project.folder.parent)]
    with output.open("wb") as stream:
        process = subprocess.Popen(command, stderr=stream, stdout=stream, start_new_session=True)
        try:
            wait_until(lambda: process.poll() is not None or moment in output.read_bytes(), 240)
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(30) == 130, output.read_text()
        finally:
            process.kill()
    assert "mlcraft: interrupted" in output.read_text()
    assert_nothing_of(other_project, client)


def test_a_disk_that_is_full(other_project: Project, base: str, client: DockerClient) -> None:
    """A file size limit acts like a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50 << 20, before[1]))
    try:
        with pytest.raises(
            DeployingError, match=r"the image's files cannot be written to /.*; name a folder with room"
        ):
            build_image(other_project, base=base)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_nothing_of(other_project, client)


def assert_nothing_of(project: Project, client: DockerClient) -> None:
    """The project has no image, tagged or untagged, and no container."""
    label: dict[str, Any] = {"label": f"mlcraft.project={project.name}"}
    assert [image.tags for image in client.images.list(filters=label)] == []
    assert client.containers.list(all=True, filters=label) == []


def test_a_base_that_cannot_be_used(project: Project, client: DockerClient) -> None:
    with pytest.raises(DeployingError, match="no-such-image:1 is not here and cannot be pulled"):
        build_image(project, base="127.0.0.1:1/no-such-image:1")
    other = "python:3-slim"
    output = client.containers.run(other, ["python", "--version"], remove=True).decode().split()[1]
    if output.split(".")[:2] != list(map(str, sys.version_info[:2])):
        with pytest.raises(DeployingError, match=f"made with Python .* and {other} has {output}"):
            build_image(project, base=other)
