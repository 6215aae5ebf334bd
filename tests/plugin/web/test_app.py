"""The pages' files, and what browsers are told of them."""

from __future__ import annotations

import re
from http.client import HTTPConnection

import pytest

from airflow_mlcraft.plugin.mlcraft_plugin import EXTERNAL_VIEWS
from tests.plugin.site import Site


@pytest.mark.parametrize("page", ["builder.html", "view.html"])
def test_a_page_and_all_that_it_names(site: Site, page: str) -> None:
    with site.client("viewer") as client:
        answer = client.get(f"/mlcraft/pages/{page}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        named = re.findall(r'(?:src|href)="\./([^"]+)"', answer.text)
        assert named
        for name in named:
            file = client.get(f"/mlcraft/pages/{name}")
            assert file.status_code == 200, name
            assert ("immutable" in file.headers["cache-control"]) is name.startswith("assets/")


@pytest.mark.parametrize(
    "path", ["/mlcraft/pages/builder.html", "/mlcraft/api/me", "/mlcraft/pages/none.html", "/mlcraft/x"]
)
def test_every_answer_forbids_foreign_scripts_and_frames(site: Site, path: str) -> None:
    with site.client() as client:
        headers = client.get(f"/mlcraft/{path}").headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "../../settings.py",
        "%2e%2e/mlcraft_plugin.py",
        "..%2f..%2fsettings.py",
        "assets/../../views.py",
        "a%00.html",
        "",
    ],
)
def test_no_other_file_is_served(site: Site, path: str) -> None:
    with site.client() as client:
        headers = {"Cookie": f"_token={client.cookies['_token']}"}
    connection = HTTPConnection("127.0.0.1", site.port, timeout=60)
    connection.request("GET", f"/mlcraft/pages/{path}", headers=headers)
    assert connection.getresponse().status == 404
    connection.close()


def test_the_views_are_in_the_web_ui(site: Site) -> None:
    with site.client() as client:
        plugins = client.get("/api/v2/plugins").json()["plugins"]
        (own,) = [plugin for plugin in plugins if plugin["name"] == "mlcraft"]
        assert [view["href"] for view in own["external_views"]] == [view["href"] for view in EXTERNAL_VIEWS]
        for view in EXTERNAL_VIEWS:
            for name in ("href", "icon", "icon_dark_mode"):
                assert client.get("/" + view[name]).status_code == 200, view[name]
