"""Native tasks that are tracked, without any CWL."""

from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task

from airflow_mlcraft import current_run, tracked_run

with DAG("tracked", params={"seed": Param(7), "fails": Param(False)}) as dag:

    @task.tracked(seed=3)
    def train(trees: int, depth: int = 3, api_key: str = "hidden", ti: Any = None) -> float:
        print(f"{trees} trees in {ti.run_id}")
        current_run().metric("accuracy", trees / 10)
        return trees / 10

    @task.tracked
    async def later(**context: Any) -> None:
        current_run().params({"when": "later"})

    @task
    def by_hand() -> None:
        with tracked_run(get_current_context(), label="by hand") as run:
            run.text("said", "notes.txt")

    @task.tracked
    def with_mlflow() -> None:
        import mlflow

        with mlflow.start_run(run_name="mine"):
            mlflow.log_metric("inner", 1)

    @task.tracked
    def skipped() -> None:
        from airflow.sdk.exceptions import AirflowSkipException

        raise AirflowSkipException("not today")

    @task.tracked
    def bad(params: Any = None) -> None:
        if params["fails"]:
            raise ValueError("as asked")

    [train.expand(trees=[5, 7]), later(), by_hand(), with_mlflow(), skipped(), bad()]
