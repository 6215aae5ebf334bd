"""In a process with a real Airflow database: a run that fails, is cleared with Airflow's own function, and goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(flags: Path) -> dict[str, Any]:
    """Run one, mend the first step; then one item of the scatter; then a run that never fails."""
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag().dags["needs_flags"]
    flags.mkdir()
    conf = {"folder": str(flags)}
    run = dag.test(run_conf=conf)
    result: dict[str, Any] = {"first": states(run)}
    for name in ("first", "one", "three"):
        (flags / name).touch()
    clear(run, only_failed=True)
    result["second"] = states(run_cleared_tasks(dag, run))
    (flags / "two").touch()
    clear(run, task_ids=[("each", 1), "all", "outputs"])
    result["third"] = states(run_cleared_tasks(dag, run))
    result["outputs"] = outputs(run)
    result["tries"] = tries(run)
    result["never_failed"] = outputs(dag.test(run_conf=conf))
    return result


def clear(run: Any, **what: Any) -> None:
    """As the UI does it."""
    from airflow.models.serialized_dag import SerializedDagModel

    SerializedDagModel.get_dag(run.dag_id).clear(run_id=run.run_id, **what)


def run_cleared_tasks(dag: Any, run: Any) -> Any:
    """Run the tasks of a DAG run that were cleared, by the loop of `dag.test`. Returns the run."""
    from airflow.models.dagrun import DagRun
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.models.taskinstance import TaskInstance
    from airflow.sdk.definitions.dag import _run_task
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.run_id == run.run_id))
        run.dag = SerializedDagModel.get_dag(run.dag_id)
        run.state = "running"
        session.commit()
        while run.state == "running":
            session.expire_all()
            ready, _ = run.update_state(session=session)
            run.schedule_tis(ready, session=session)
            session.commit()
            scheduled = select(TaskInstance).where(TaskInstance.run_id == run.run_id, TaskInstance.state == "scheduled")
            for instance in session.scalars(scheduled).all():
                _run_task(ti=instance, task=dag.task_dict[instance.task_id])
        return run


def instances(run: Any) -> list[Any]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(select(TaskInstance).where(TaskInstance.run_id == run.run_id)).all()
        return sorted(found, key=lambda ti: (ti.task_id, ti.map_index))


def name(instance: Any) -> str:
    return instance.task_id if instance.map_index < 0 else f"{instance.task_id}[{instance.map_index}]"


def states(run: Any) -> dict[str, str]:
    return {"": str(run.state), **{name(instance): str(instance.state) for instance in instances(run)}}


def tries(run: Any) -> dict[str, int]:
    return {name(instance): instance.try_number for instance in instances(run)}


def outputs(run: Any) -> Any:
    """The output object with the texts of its files, wherever the run put them."""
    from airflow.models.xcom import XComModel
    from airflow.sdk.execution_time.xcom import XCom
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from tests.operators.embedded import names_and_texts

    chosen = select(XComModel.value).where(
        XComModel.run_id == run.run_id, XComModel.task_id == "outputs", XComModel.key == "return_value"
    )
    with create_session() as session:
        return names_and_texts(XCom.deserialize_value(session.execute(chosen).one()))


if __name__ == "__main__":
    answer = main(Path(sys.argv[1]))
    print("\n" + json.dumps(answer))
