from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlcraft.operators.links import DataVersionLink, ReusedRunLink

RUN = {"dag_id": "a.b", "run_id": "manual__2026-01-01T00:00:00+00:00", "task_id": "count", "map_index": -1}
PAGE = "/dags/a.b/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00/tasks/count"


@pytest.mark.parametrize(
    ("reused_from", "link"),
    [(None, ""), (RUN, PAGE), ({**RUN, "map_index": None}, PAGE), ({**RUN, "map_index": 3}, f"{PAGE}/mapped/3")],
)
def test_the_link_to_the_task_that_produced_reused_outputs(reused_from: Any, link: str) -> None:
    assert ReusedRunLink().get_link(SimpleNamespace(reused_from=reused_from), ti_key=None) == link


def test_the_link_to_the_version_of_data() -> None:
    key = SimpleNamespace(dag_id="a.b", run_id="manual__1")
    link = DataVersionLink()
    assert link.get_link(SimpleNamespace(version_task="version_data"), ti_key=key) == (
        "/dags/a.b/runs/manual__1/tasks/version_data"
    )
    assert (
        link.get_link(SimpleNamespace(commit_page="https://git.example/c/1"), ti_key=key) == "https://git.example/c/1"
    )
    assert link.get_link(SimpleNamespace(version_task=""), ti_key=key) == ""
