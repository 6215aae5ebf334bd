"""`mlcraft-step serve`: from options to deployment.json, with a real server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_mlcraft.serving.process import local_server
from airflow_mlcraft.steps.command import run
from airflow_mlcraft.steps.serve import STATE_VARIABLE
from airflow_mlcraft.steps.services import Services
from tests.serving import models


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a model; no server outlives the test."""
    models.make("people", tmp_path)
    yield tmp_path
    for name in ("people", "other"):
        if local_server.find_running(tmp_path / "state" / name):
            local_server.stop(tmp_path / "state" / name)


def serve(folder: Path, *options: str) -> tuple[int, str]:
    lines: list[str] = []
    arguments = ["serve", "--model", "people", "--state-folder", "state", *options]
    code = run(arguments, folder=folder, services=Services(log=lines.append))
    return code, "\n".join(lines)


def test_a_model_is_served(folder: Path) -> None:
    frame, target = models.generate_people()
    frame.assign(target=target).to_csv(folder / "sample.csv", index=False)
    assert serve(folder, "--name", "people", "--sample", "sample.csv")[0] == 0
    deployment = json.loads((folder / "deployment.json").read_text())
    assert deployment["name"] == "people"
    assert len(deployment["smoke"]) == 20
    assert set(deployment["smoke"][0]["row"]) == set(frame.columns)
    record = json.loads((folder / "record.json").read_text())
    assert record["params"]["content"] == deployment["content"]
    before = (folder / "deployment.json").read_bytes(), (folder / "record.json").read_bytes()
    assert "served already" in serve(folder, "--name", "people", "--sample", "sample.csv")[1]
    assert ((folder / "deployment.json").read_bytes(), (folder / "record.json").read_bytes()) == before


def test_servers_are_remembered_at_home_where_a_runner_names_the_folder_of_the_step_as_home(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home of the account stands in for the real one, where nothing is to be left."""
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: SimpleNamespace(pw_dir=str(folder / "account")))
    arguments = ["serve", "--model", "people", "--name", "people"]
    assert run(arguments, folder=folder, services=Services(log=print)) == 0
    local_server.stop(folder / "account" / ".mlcraft" / "serving" / "people")


def test_mistakes_are_sentences(folder: Path) -> None:
    code, output = serve(folder, "--name", "people", "--target", "moon")
    assert (code, output) == (1, "mlcraft-step: --target 'moon' is unknown; expected local")
    assert serve(folder, "--name", "../people")[0] == 1
    assert serve(folder, "--name", "people", "--sample", "none.csv")[0] == 1
    shutil.rmtree(folder / "people")
    assert "is no model" in serve(folder, "--name", "people")[1]


def test_another_roll_out_under_way_is_temporary(folder: Path) -> None:
    import fcntl

    (folder / "state" / "people").mkdir(parents=True)
    with (folder / "state" / "people" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert serve(folder, "--name", "people")[0] == 75
