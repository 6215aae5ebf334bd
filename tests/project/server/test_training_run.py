"""`train --server`: projects in a folder of a real Airflow's, trained through its REST API."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_mlcraft.project.server.api import ServerApi
from tests.operators.embedded import CommandResult
from tests.project.projects import Workspace
from tests.ui.site import Site, run_site

TIME_LIMIT = 600
PINS = {"older": "humanize==4.9.0", "newer": "humanize==4.12.0"}


@dataclass(frozen=True)
class Served:
    """A user, whose projects an Airflow imports."""

    site: Site
    place: Workspace
    environment: dict[str, str]

    @property
    def root(self) -> Path:
        return self.site.project / "cwl" / "ml_projects"

    def mlcraft(self, *words: str, **environment: str) -> CommandResult:
        return self.place.mlcraft(*words, **{**self.environment, **environment})

    def train(self, name: str, *words: str) -> CommandResult:
        return self.mlcraft("train", name, "--url", self.site.url, *words)

    def wait_for_dags(self, names: Iterable[str]) -> None:
        """Until the server has imported the projects' documents."""
        ending = time.monotonic() + TIME_LIMIT
        with ServerApi(self.site.url, self.environment) as api:
            while missing := [name for name in names if not api.find_dag_ids(f"{name}.workflow")]:
                assert time.monotonic() < ending, missing
                time.sleep(1)

    def runs(self, name: str) -> list[dict[str, Any]]:
        return self.mlcraft("history", name, "--json").json()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    environments = {"AIRFLOW__MLCRAFT__ENVIRONMENTS": str(folder / "environments")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*next(iter(environments.items())))
        with run_site(folder / "site") as site:
            own = {
                **environments,
                "MLCRAFT_PROJECTS": str(site.project / "cwl" / "ml_projects"),
                "MLCRAFT_SERVER_USER": site.user,
                "MLCRAFT_SERVER_PASSWORD": site.password,
            }
            made = Served(site, Workspace(folder / "user"), own)
            names = ("iris", *PINS)
            for name in names:
                assert made.mlcraft("init", name, "-p", "classification").code == 0
            os.utime(site.project / "dags" / "cwl_dags.py")
            made.wait_for_dags(names)
            yield made


def test_a_run_there(served: Served) -> None:
    output = served.train("iris", "-m", "naive_bayes", "decision_tree", "--json")
    (run,) = output.json()
    assert (run["state"], run["server"]) == ("success", served.site.url)
    assert [model["state"] for model in run["models"]] == ["success", "success"]
    assert all(0.8 < model["test"]["acc"] <= 1 and model["cv"]["acc"] for model in run["models"])
    assert run["champion"] in ("naive_bayes", "decision_tree")
    assert (served.root / "iris" / "models" / "champion" / "MLmodel").is_file(), "it is versioned in the project"
    assert served.runs("iris")[-1]["run_id"] == run["run_id"]
    (found,) = [one for one in served.mlcraft("list", "--json").json() if one["name"] == "iris"]
    assert found["champion"]["model"] == run["champion"]
    assert len(served.mlcraft("predict", "iris", "data/test.parquet", "--json").json()) == 40
    assert "was a run of the Airflow at" in served.mlcraft("reproduce", "iris", run["run_id"]).err


def test_a_run_that_fails_there(served: Served) -> None:
    output = served.train("iris", "--set", "source=lost.csv", "-m", "naive_bayes")
    assert output.code == 1
    assert "retrieve failed; see" in output.out
    assert "/dags/" in output.out
    assert "Traceback" not in output.out + output.err


def test_an_interruption_ends_the_run_there_too(served: Served) -> None:
    (served.root / "iris" / "processor.py").write_text("import time\n\n\ndef process(frame):\n    time.sleep(600)\n")
    before = len(served.runs("iris"))
    words = ["train", "iris", "--url", served.site.url, "-m", "naive_bayes"]
    process = served.place.start(*words, environment=served.environment)
    ending = time.monotonic() + TIME_LIMIT
    while not (running := _running(served)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ending
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=TIME_LIMIT)
    assert "mlcraft: interrupted; nothing half-done was left" in err
    assert [run["state"] for run in served.runs("iris")[before:]] == ["killed"]
    assert not set(running) & set(_running(served))


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"MLCRAFT_SERVER_PASSWORD": "do-not-show"}, "does not take this user and password; check MLCRAFT_SERVER_USER"),
        ({"MLCRAFT_SERVER_TOKEN": "do-not-show"}, "does not take this token for that; give another"),
        ({"MLCRAFT_SERVER_USER": ""}, "nobody said who you are to"),
    ],
)
def test_who_is_not_let_in(served: Served, environment: dict[str, str], sentence: str) -> None:
    result = served.mlcraft("train", "iris", "--url", served.site.url, **environment)
    assert (result.code, result.out) == (1, "")
    assert sentence in result.err
    assert "do-not-show" not in result.err


def test_a_project_that_the_server_does_not_have(served: Served, tmp_path: Path) -> None:
    words = ["--projects", str(tmp_path / "elsewhere")]
    served.mlcraft("init", "unknown", "-p", "regression", *words)
    result = served.mlcraft("train", "unknown", "--url", served.site.url, *words)
    assert "has no DAG unknown.workflow; let one of its DAG files import the projects: load_cwl_dags(" in result.err


@pytest.mark.registry
def test_two_projects_with_clashing_pins(served: Served) -> None:
    """Each has an environment of its own; both are trained on one Airflow at the same time."""
    for name, pin in PINS.items():
        result = served.mlcraft("config", name, "-d", pin)
        assert result.code == 0, result.err
        package, _, version = pin.partition("==")
        (served.root / name / "processor.py").write_text(
            f"import {package}\n\nassert {package}.__version__ == {version!r}\n\n\n"
            "def process(frame, **params):\n    return frame\n"
        )
    words = ["--url", served.site.url, "-m", "naive_bayes", "--json"]
    processes = [served.place.start("train", name, *words, environment=served.environment) for name in PINS]
    for process in processes:
        out, err = process.communicate(timeout=TIME_LIMIT)
        assert process.returncode == 0, out + err
        assert json.loads(out)[0]["state"] == "success"
    assert len(served.mlcraft("predict", "older", "data/test.parquet", "--json").json()) == 40
    made = list(Path(served.environment["AIRFLOW__MLCRAFT__ENVIRONMENTS"]).glob("*/ready.json"))
    assert sorted(json.loads(path.read_text())["requirements"] for path in made) == [
        [pin] for pin in sorted(PINS.values())
    ]


def _running(served: Served) -> list[str]:
    """The runs that go on at the server."""
    login = {"username": served.site.user, "password": served.site.password}
    token = httpx.post(f"{served.site.url}/auth/token", json=login).json()["access_token"]
    runs = httpx.get(
        f"{served.site.url}/api/v2/dags/~/dagRuns",
        params={"state": "running"},
        headers={"Authorization": f"Bearer {token}"},
    ).json()["dag_runs"]
    return [run["dag_run_id"] for run in runs]
