"""The plugin: its cost for processes that serve no page, and the seconds until a saved document is a DAG."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bench.measure import ROOT, Figure, environment, median
from tests.ui.site import Site, run_site

STARTS, SAVES = 15, 8
TIME_LIMIT = 60.0
_LOADED = """
import time
import airflow.listeners, airflow.plugins_manager
begun = time.perf_counter()
import airflow_mlcraft.plugin.mlcraft_plugin
print(1000 * (time.perf_counter() - begun))
"""


def figures() -> list[Figure]:
    """The figures: the cost of a start, and the saves on a running Airflow with the settings of `make up`."""
    with TemporaryDirectory(prefix="bench-plugin-") as name:
        starts = [_start(Path(name)) for _ in range(STARTS + 1)][1:]
        with run_site(Path(name) / "mlcraft") as site, httpx.Client(base_url=site.url, timeout=60) as client:
            _log_in(client, site)
            first = _seconds_until_shown(client, "first", None)[0]
            new, edited = _saves(client)
    return [
        Figure(
            "ms that the plugin adds to the start of an Airflow process that serves no page",
            median(starts),
            "≤ 20",
            f"{STARTS} processes; the slowest {max(starts):.1f} ms",
        ),
        Figure("seconds from the first save after a start to its DAG in the list", first, "", "one save"),
        Figure(
            "seconds from the save of a new document to its DAG in the list",
            median(new),
            "≤ 2.0",
            f"{SAVES} documents; the slowest {max(new):.2f} s",
        ),
        Figure(
            "the same for an edited document",
            median(edited),
            "≤ 2.0",
            f"{SAVES} edits; the slowest {max(edited):.2f} s",
        ),
    ]


def _start(home: Path) -> float:
    process = subprocess.run(
        [sys.executable, "-c", _LOADED], env=environment(home), check=True, capture_output=True, text=True
    )
    return float(process.stdout.splitlines()[-1])


def _log_in(client: httpx.Client, site: Site) -> None:
    response = httpx.post(f"{site.url}/auth/token", json={"username": site.user, "password": site.password})
    client.cookies.set("_token", response.json()["access_token"])
    client.headers["Origin"] = site.url
    # As the builder does when it is opened.
    client.get("/mlcraft/api/me")


def _saves(client: httpx.Client) -> tuple[list[float], list[float]]:
    new, edited = [], []
    for number in range(SAVES):
        seconds, version = _seconds_until_shown(client, f"new_{number}", None)
        new.append(seconds)
        edited.append(_seconds_until_shown(client, f"new_{number}", version)[0])
    return new, edited


def _seconds_until_shown(client: httpx.Client, name: str, base: str | None) -> tuple[float, str]:
    """The seconds from the save until the list of DAGs has the document's new label, and the saved version."""
    label = f"{name} as of {time.monotonic()}"
    text = (ROOT / "cwl" / "workflows" / "text_statistics.cwl").read_text()
    text = text.replace("label: Text statistics", f"label: {label}")
    started = time.perf_counter()
    response = client.put(f"/mlcraft/api/documents/workflows/{name}.cwl", json={"text": text, "base": base})
    assert response.is_success, response.text
    while not _shows(client, label):
        assert time.perf_counter() - started < TIME_LIMIT, f"no DAG within {TIME_LIMIT:.0f} s"
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    # Airflow's remaining work for this save must not delay the next.
    time.sleep(1)
    return seconds, str(response.json()["version"])


def _shows(client: httpx.Client, label: str) -> bool:
    dags = client.get("/api/v2/dags", params={"tags": "cwl"}).json()["dags"]
    return label in {dag["dag_display_name"] for dag in dags}
