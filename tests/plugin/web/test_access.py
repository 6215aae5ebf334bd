"""Each route as somebody who has not logged in, as a viewer, as the editor of another DAG, and from another site."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.plugin.site import Site

pytestmark = pytest.mark.every_airflow


class Route(NamedTuple):
    """A request about the DAG `other`."""

    method: str
    path: str
    json: Any = None
    viewer: int = 403

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


DOCUMENT = "/mlcraft/api/documents/other.cwl"
RUN = "/mlcraft/api/dags/other/runs/none"
READS = [
    Route("GET", "/mlcraft/pages/builder.html", viewer=200),
    Route("GET", "/mlcraft/api/me", viewer=200),
    Route("GET", "/mlcraft/api/documents", viewer=200),
    Route("GET", "/mlcraft/api/schema", viewer=200),
    Route("GET", DOCUMENT, viewer=200),
    Route("GET", "/mlcraft/api/dags/other/graph", viewer=200),
    Route("GET", f"{RUN}/state", viewer=404),
    Route("GET", f"{RUN}/steps/step:other", viewer=200),
]
WRITES = [
    Route("PUT", DOCUMENT, {"text": "", "base": "0"}),
    Route("DELETE", f"{DOCUMENT}?base=0"),
    Route("POST", f"{DOCUMENT}/rename", {"to": "other_still.cwl", "base": "0"}),
    Route("POST", f"{DOCUMENT}/duplicate", {"to": "other_copy.cwl"}),
    Route("POST", "/mlcraft/api/documents/shipped:tools/train.cwl/take", {"to": "other.cwl"}),
    Route("POST", "/mlcraft/api/check", {"path": "other.cwl", "text": ""}),
    Route("POST", "/mlcraft/api/command", {"path": "other.cwl", "text": ""}),
    Route("POST", "/mlcraft/api/composer-form", {"path": "other.cwl", "text": ""}),
    Route("POST", "/mlcraft/api/dags/other/files?name=a.txt"),
]
ABOUT_THE_DAG = [route for route in READS if "other" in route.path] + WRITES


def request_status(site: Site, user: str, route: Route, **headers: str) -> int:
    with site.client(user) as client:
        return client.request(route.method, route.path, json=route.json, headers=headers).status_code


@pytest.mark.parametrize("route", READS + WRITES, ids=str)
def test_nobody_gets_in_without_a_login(site: Site, route: Route) -> None:
    assert request_status(site, "", route) == 401
    assert request_status(site, "", route, Cookie="_token=forged") in (401, 403)


@pytest.mark.parametrize("route", READS + WRITES, ids=str)
def test_a_viewer_sees_and_cannot_change(site: Site, route: Route) -> None:
    assert request_status(site, "viewer", route) == route.viewer


@pytest.mark.parametrize("route", WRITES, ids=str)
def test_the_editor_of_another_dag_cannot_change_this_one(site: Site, route: Route) -> None:
    assert request_status(site, "editor", route) == 403


@pytest.mark.parametrize("route", ABOUT_THE_DAG, ids=str)
def test_who_may_not_see_a_dag_learns_nothing_of_it(site: Site, route: Route) -> None:
    assert request_status(site, "outsider", route) == 403


@pytest.mark.parametrize("route", WRITES, ids=str)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example.org"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_writes_of_another_site_are_refused(site: Site, route: Route, headers: dict[str, str]) -> None:
    assert request_status(site, "admin", route, **headers) == 403


@pytest.mark.parametrize("route", WRITES, ids=str)
def test_a_write_says_where_it_comes_from(site: Site, route: Route) -> None:
    with site.client() as client:
        del client.headers["Origin"]
        answer = client.request(route.method, route.path, json=route.json)
        assert answer.status_code == 403
        assert "Origin" in answer.json()["detail"]
        answer = client.request(route.method, route.path, json=route.json, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code != 403


def test_no_route_is_without_a_guard(site: Site) -> None:
    """Whoever adds a route adds it to the lists above."""
    listed = site.python(
        """
import json
from types import SimpleNamespace
from airflow_mlcraft.plugin.web.app import make_app
app = make_app(SimpleNamespace(state=SimpleNamespace()))
print(json.dumps(sorted({(m, r.path) for r in app.routes for m in r.methods})))
"""
    )
    guarded = READS + WRITES
    for method, path in listed:
        parts = f"/mlcraft{path}".replace("{path:path}", "*").replace("{dag_id}", "other").replace("{run_id}", "none")
        head, _, tail = parts.replace("{key:path}", "*").partition("*")
        fits = [
            route
            for route in guarded
            if route.method == method and route.path.startswith(head) and route.path.partition("?")[0].endswith(tail)
        ]
        assert fits, f"{method} {path} is in no list"


def test_the_list_has_what_the_user_may_see(site: Site) -> None:
    with site.client("outsider") as client:
        listed = client.get("/mlcraft/api/documents").json()
    assert {entry["path"] for entry in listed if entry["origin"] == "folder"} == {"greetings.cwl"}
    with site.client("editor") as client:
        listed = client.get("/mlcraft/api/documents").json()
    assert {entry["path"] for entry in listed if entry["can_edit"]} == {"greetings.cwl"}
    with site.client("viewer") as client:
        assert not any(entry["can_edit"] for entry in client.get("/mlcraft/api/documents").json())
        assert client.get("/mlcraft/api/me").json()["can_edit"] is False


def test_a_refusal_says_what_may_not_be_done(site: Site) -> None:
    with site.client("editor") as client:
        answer = client.put(DOCUMENT, json={"text": "", "base": "0"})
    assert answer.json()["detail"] == "editor may not edit the DAG other; ask who looks after this Airflow"


def test_who_may_edit_one_dag_makes_no_other(site: Site) -> None:
    with site.client("editor") as client:
        version = client.get("/mlcraft/api/documents/greetings.cwl").json()["version"]
        answer = client.post("/mlcraft/api/documents/greetings.cwl/rename", json={"to": "mine.cwl", "base": version})
        assert answer.status_code == 403
        answer = client.put("/mlcraft/api/documents/new_one.cwl", json={"text": "", "base": None})
        assert answer.status_code == 403
    assert not (site.documents / "mine.cwl").exists()
    assert not (site.documents / "new_one.cwl").exists()
