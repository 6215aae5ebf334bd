"""The executor that hands workflows to a running Airflow: a real one, and a real Java."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.composer.composer import HERE
from tests.composer.test_executor import CANCELLED, PROJECT, TEXTS, install, prepare_run, progress
from tests.ui.site import Site, run_site

TIME_LIMIT = 180

pytestmark = [pytest.mark.java, pytest.mark.composer]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with run_site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture(scope="module")
def jar(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("jar")
    login = folder / "login.env"
    login.write_text(f"MLCRAFT_SERVER_USER={site.user}\nMLCRAFT_SERVER_PASSWORD={site.password}\n")
    install(folder / "executor.jar", "--server", site.url, "--login", str(login))
    return folder / "executor.jar"


def test_a_run_there(jar: Path, tmp_path: Path, site: Site) -> None:
    """Twice: the document is there the second time."""
    texts = [{"class": "File", "path": str(path)} for path in TEXTS]
    document = PROJECT / "cwl" / "workflows" / "text_statistics.cwl"
    for time_ in ("first", "second"):
        done = prepare_run(jar, tmp_path / time_, document, {"texts": texts, "top": 3}).run()
        assert done.returncode == 0, done.stderr
        outputs = json.loads(done.stdout)
        assert outputs["longest"] == "alice in wonderland"
        assert (tmp_path / time_ / "report.txt").read_text().count("\n") == 3
        assert outputs["report"]["location"] == (tmp_path / time_ / "report.txt").as_uri()
        assert progress(done.stderr).count(("root.merge_counts", "COMPLETED")) == 1
    assert len(list((site.project / "cwl" / "composer").glob("text_statistics_*.cwl"))) == 1


def test_a_run_that_fails_there(jar: Path, tmp_path: Path, site: Site) -> None:
    done = prepare_run(jar, tmp_path / "out", HERE / "slow.cwl", {"seconds": [3], "mark": "x"}).run()
    assert (done.returncode, done.stdout) == (1, "")
    assert progress(done.stderr) == [("root.sleep", "READY"), ("root.sleep", "FAILED")]
    assert f"sleep failed on the server; see {site.url}/dags/" in done.stderr
    assert site.password not in done.stderr


def test_cancel_ends_the_run_there_too(jar: Path, tmp_path: Path, site: Site) -> None:
    running = prepare_run(jar, tmp_path / "out", HERE / "slow.cwl", {"seconds": [600], "mark": "x"}).start()
    try:
        _wait_until(lambda: _running(site))
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=300)
    finally:
        running.kill()
    assert running.returncode == CANCELLED
    assert _running(site) == []


def test_a_wrong_login(tmp_path: Path, site: Site) -> None:
    (tmp_path / "login.env").write_text("MLCRAFT_SERVER_USER=nobody\nMLCRAFT_SERVER_PASSWORD=do-not-show\n")
    install(tmp_path / "executor.jar", "--server", site.url, "--login", str(tmp_path / "login.env"))
    done = prepare_run(
        tmp_path / "executor.jar", tmp_path / "out", HERE / "slow.cwl", {"seconds": [0], "mark": "x"}
    ).run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not take this user and password" in done.stderr and "do-not-show" not in done.stderr


def _running(site: Site) -> list[Any]:
    login = {"username": site.user, "password": site.password}
    token = httpx.post(f"{site.url}/auth/token", json=login).json()["access_token"]
    runs = httpx.get(
        f"{site.url}/api/v2/dags/~/dagRuns",
        params={"state": "running"},
        headers={"Authorization": f"Bearer {token}"},
    )
    return list(runs.json()["dag_runs"])


def _wait_until(true: Any) -> None:
    end = time.monotonic() + TIME_LIMIT
    while not true():
        assert time.monotonic() < end
        time.sleep(0.5)
