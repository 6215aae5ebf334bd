"""A project with a champion, and an image with this Python, for tests that build with a real engine."""

from __future__ import annotations

import io
import json
import secrets
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker import DockerClient
from docker.errors import APIError

from airflow_mlcraft.project.build import BuiltImage, build_image
from airflow_mlcraft.project.create import create_project
from airflow_mlcraft.project.project_paths import Project, Projects
from airflow_mlcraft.project.run_records import RunRecord, write_record
from tests.serving import models

_PYTHON = ".".join(map(str, sys.version_info[:2]))
_LEFT_OUT = {"site-packages", "test", "idlelib", "tkinter", "__pycache__"}
BASE = f"mlcraft-tests/python:{_PYTHON}"
KEY = "server-key-5"


@pytest.fixture(scope="session")
def client() -> Iterator[DockerClient]:
    """The Docker client of this machine."""
    found = docker.from_env(timeout=120)
    yield found
    found.close()


@pytest.fixture(scope="session")
def base(client: DockerClient) -> str:
    """An image with this very Python: the one of Docker's library, or one made from this installation of Python.

    The latter works where debian:stable-slim has the C library that this Python was built for.
    """
    official = f"python:{_PYTHON}-slim"
    try:
        output = client.containers.run(official, ["python", "--version"], remove=True)
        if f" {_PYTHON}." in output.decode():
            return official
    except APIError:
        pass
    stream = io.BytesIO()
    text = (
        "FROM debian:stable-slim\nCOPY python /usr/local\nRUN ldconfig\n"
        f"RUN ln -sf /usr/local/bin/python{_PYTHON} /usr/local/bin/python && python --version\n"
    )
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
        for path in [
            Path(sys.base_prefix) / "bin" / f"python{_PYTHON}",
            *Path(sys.base_prefix, "lib").glob("libpython*"),
        ]:
            archive.add(path, f"python/{path.relative_to(sys.base_prefix)}", filter=_without_times)
        archive.add(f"{sys.base_prefix}/lib/python{_PYTHON}", f"python/lib/python{_PYTHON}", filter=_without_times)
    stream.seek(0)
    client.images.build(fileobj=stream, custom_context=True, tag=BASE, rm=True)
    return BASE


def _without_times(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """The entry without times, so that the engine's cache finds it unchanged."""
    if _LEFT_OUT & set(Path(entry.name).parts):
        return None
    entry.mtime = entry.uid = entry.gid = 0
    return entry


@pytest.fixture(scope="session")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Project, str], Path]:
    """Puts a model of tests/serving/models.py into a project as its champion."""

    def install_champion(project: Project, model: str = "linear") -> Path:
        project.champion.parent.mkdir(parents=True, exist_ok=True)
        made = models.make(model, tmp_path_factory.mktemp("champion"))
        (made / "model.json").write_text(json.dumps({"name": model}))
        return made.rename(project.champion)

    return install_champion


@pytest.fixture
def project(tmp_path: Path, champion: Callable[[Project, str], Path]) -> Project:
    """A new project with a champion and an API key."""
    made = create_project(Projects(tmp_path / "ml_projects"), "Iris_2", "classification")
    champion(made, "linear")
    made.secrets.write_text("DATA_KEY=top-secret-7\n")
    return made


@pytest.fixture
def other_project(tmp_path: Path, champion: Callable[[Project, str], Path]) -> Project:
    """A project with a champion and a unique name, since all projects share one engine."""
    made = create_project(Projects(tmp_path / "ml_projects"), unused_name(), "classification")
    champion(made, "linear")
    return made


def unused_name() -> str:
    return f"Tested_{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory, champion: Callable[[Project, str], Path]) -> Project:
    """A project with a champion, the record of the run that made it, and keys."""
    made = create_project(Projects(tmp_path_factory.mktemp("build") / "ml_projects"), unused_name(), "classification")
    champion(made, "linear")
    made.secrets.write_text(f"DATA_KEY=top-secret-7\nMLCRAFT_API_KEY={KEY}\n")
    record = RunRecord(
        "train_1", "train", "2026-01-01", 1.0, "success", "acc", champion="linear", data="sha1$77", commit="c0ffee"
    )
    write_record(made, record)
    return made


@pytest.fixture(scope="session")
def built(iris: Project, base: str, client: DockerClient) -> Iterator[BuiltImage]:
    """Its image, and a container of it."""
    made = build_image(iris, base=base, run=True)
    yield made
    client.containers.get(made.container).remove(force=True, v=True)
    for tag in made.image.tags:
        client.images.remove(tag)
