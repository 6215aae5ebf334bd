"""Write one DAG and one run of it into the run's database."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from sqlalchemy.orm import Session

BUNDLE = "embedded"


def register(dag: Any, *, conf: dict[str, Any] | None, run_id: str | None, session: Session) -> DagRun:
    """Bundle, DAG, its serialized form and its version, then the run, in state running."""
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    dag.validate()
    session.add(DagBundleModel(name=BUNDLE))
    session.flush()
    data, known = _serialize(dag)
    if not Path(dag.fileloc).is_file():
        # Airflow keeps the source of a DAG, and a DAG made in memory has none: it was made from here.
        data["dag"]["fileloc"] = __file__
    lazy = LazyDeserializedDAG(data=data)
    type(known).bulk_write_to_db(BUNDLE, None, [lazy], session=session)
    SerializedDagModel.write_dag(lazy, bundle_name=BUNDLE, session=session)
    session.commit()
    # Callbacks are not serialized. Nobody but us holds both forms of the DAG, as in `dag.test`.
    known.on_success_callback = dag.on_success_callback
    known.on_failure_callback = dag.on_failure_callback
    run = _create_run(known, conf=conf, run_id=run_id, session=session)
    run.dag = known
    session.commit()
    return run


def _serialize(dag: Any) -> tuple[dict[str, Any], Any]:
    from airflow_mlcraft.dag.stored_dag import dag_serialization

    form = dag_serialization()
    data = form.to_dict(dag)
    return data, form.from_dict(data)


def _create_run(known: Any, *, conf: dict[str, Any] | None, run_id: str | None, session: Session) -> DagRun:
    from airflow.models.dagrun import DagRun as Run
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    now = datetime.now(tz=timezone.utc)
    run_id = run_id or Run.generate_run_id(run_type=DagRunType.MANUAL, logical_date=now, run_after=now)
    created: DagRun = known.create_dagrun(
        run_id=run_id,
        logical_date=now,
        data_interval=(now, now),
        run_after=now,
        start_date=now,
        conf=conf,
        run_type=DagRunType.MANUAL,
        triggered_by=DagRunTriggeredByType.CLI,
        state=DagRunState.RUNNING,
        session=session,
    )
    return created
