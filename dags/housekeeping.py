"""Deletes each week what runs have left behind and nothing needs any more, as `mlcraft prune --airflow` does."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task


@dag(
    schedule="@weekly",
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    tags=["mlcraft"],
    params={
        "older_than": Param("30d", type="string", title="Age", description="What was not used for so long goes."),
        "keep": Param("", type="string", title="Size", description="The oldest goes until so much is left, as 20GB."),
        "delete": Param(True, type="boolean", title="Delete", description="Otherwise the log says what would go."),
    },
)
def housekeeping() -> None:
    @task
    def prune(params: dict[str, Any] | None = None) -> dict[str, Any]:
        from airflow_mlcraft.pruning.prune import prune_airflow

        given = params or {}
        return prune_airflow(given["older_than"], given["keep"], delete_it=given["delete"])

    prune()


housekeeping()
