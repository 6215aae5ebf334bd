"""Airflow in a folder of its own for each test process, and tests that need what not every machine has."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from airflow_mlcraft.common.python_environments import find_uv

PROJECT = Path(__file__).parents[1]


def _own_airflow() -> None:
    """Before anything imports airflow: nothing of the user's Airflow, neither its files nor its settings."""
    home = Path(tempfile.mkdtemp(prefix=f"mlcraft-tests-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(home / "dags"),
        AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
        AIRFLOW__USAGE_DATA_COLLECTION__ENABLED="False",
        MLCRAFT_HOME=str(home / "embedded"),
        MLCRAFT_WARM="0",
    )


def _own_git() -> None:
    """Nothing of the user's git and DVC; the user may have told git no name."""
    home = Path(os.environ["AIRFLOW_HOME"]) / "git"
    home.mkdir()
    (home / "gitconfig").write_text(
        '[user]\n\tname = Tester\n\temail = tester@example.org\n[protocol "file"]\n\tallow = always\n'
    )
    os.environ.update(
        GIT_CONFIG_GLOBAL=str(home / "gitconfig"),
        GIT_CONFIG_NOSYSTEM="1",
        DVC_GLOBAL_CONFIG_DIR=str(home),
        DVC_SYSTEM_CONFIG_DIR=str(home),
        DVC_SITE_CACHE_DIR=str(home / "site"),
        DVC_NO_ANALYTICS="1",
        AWS_EC2_METADATA_DISABLED="true",
    )


def _heed_ctrl_c() -> None:
    """A shell's background job ignores Ctrl-C, and so would each process that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_own_airflow()
_own_git()
_heed_ctrl_c()


@pytest.fixture(scope="session")
def cwl_suite() -> Path:
    """The folder of the CWL conformance suite; for tests marked `suite`."""
    return _suite()


def _suite() -> Path:
    return Path(os.environ.get("MLCRAFT_CWL_SUITE") or PROJECT.parent / "shared" / "cwl-v1.2")


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """A stand-in for S3, which cannot be had here: moto's server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def _lacks_docker() -> str:
    import docker
    from docker.errors import DockerException

    try:
        docker.from_env(timeout=10).ping()
    except DockerException as error:
        return f"no Docker engine answers: {error}"
    return ""


def _lacks_browser() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return "" if any(map(shutil.which, names)) else f"no browser on the PATH: looked for {', '.join(names)}"


def _lacks_suite() -> str:
    index = _suite() / "conformance_tests.yaml"
    return "" if index.is_file() else f"no {index}; MLCRAFT_CWL_SUITE names the folder of the CWL suite"


def _lacks_composer() -> str:
    if shutil.which("node") is None:
        return "no node on the PATH"
    modules = PROJECT / "tests" / "composer" / "node_modules"
    return "" if modules.is_dir() else f"no {modules}: `npm ci` in the folder tests/composer makes it"


def _lacks_java() -> str:
    return "" if shutil.which("java") else "no java on the PATH"


def _lacks_tmux() -> str:
    return "" if shutil.which("tmux") else "no tmux on the PATH"


def _lacks_registry() -> str:
    command = [find_uv(), "pip", "compile", "--quiet", "-"]
    done = subprocess.run(command, input="humanize==4.9.0", capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"no package registry answers: {' '.join(done.stderr.split())[:200]}"


_LACKS = {
    "docker": cache(_lacks_docker),
    "browser": cache(_lacks_browser),
    "suite": cache(_lacks_suite),
    "composer": cache(_lacks_composer),
    "java": cache(_lacks_java),
    "tmux": cache(_lacks_tmux),
    "registry": cache(_lacks_registry),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that runs the long tests."""
    parser.addoption("--heavy", action="store_true", help="run the tests marked heavy as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests unless they are asked for."""
    if config.getoption("--heavy"):
        return
    heavy = [item for item in items if item.get_closest_marker("heavy")]
    items[:] = [item for item in items if item not in heavy]
    config.hook.pytest_deselected(items=heavy)


def pytest_configure() -> None:
    """MLCRAFT_REQUIRE lists what must be there: its tests fail rather than being skipped."""
    if unknown := _required() - set(_LACKS):
        raise pytest.UsageError(f"MLCRAFT_REQUIRE names {', '.join(unknown)}; known are {', '.join(_LACKS)}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail, a test that needs what is not there."""
    for name, lacks in _LACKS.items():
        if item.get_closest_marker(name) is None or not (reason := lacks()):
            continue
        if name in _required():
            pytest.fail(f"{name} is required, but {reason}", pytrace=False)
        pytest.skip(reason)


def _required() -> set[str]:
    return set(filter(None, os.environ.get("MLCRAFT_REQUIRE", "").replace(" ", "").split(",")))
