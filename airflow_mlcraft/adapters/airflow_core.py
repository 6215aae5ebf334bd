"""What the package uses of Airflow's core: its database and models, serialized DAGs, and the Execution API.

Airflow promises none of it to keep. Importing this module imports nothing of Airflow: each name is imported at its
first use, as some callers need little of it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from airflow.models.asset import AssetModel
    from airflow.models.dag import DagModel, DagOwnerAttributes, DagTag
    from airflow.models.dag_version import DagVersion
    from airflow.models.dagbag import DagPriorityParsingRequest
    from airflow.models.dagrun import DagRun
    from airflow.models.errors import ParseImportError
    from airflow.models.log import Log
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.taskreschedule import TaskReschedule
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from fastapi import FastAPI
    from sqlalchemy.orm import Session

__all__ = [
    "AssetModel",
    "DagModel",
    "DagOwnerAttributes",
    "DagPriorityParsingRequest",
    "DagRun",
    "DagTag",
    "DagVersion",
    "Log",
    "ParseImportError",
    "SerializedDagModel",
    "TaskInstance",
    "TaskReschedule",
    "XComModel",
    "create_session",
]

log = logging.getLogger(__name__)

_MODULES = {
    "AssetModel": "airflow.models.asset",
    "DagModel": "airflow.models.dag",
    "DagOwnerAttributes": "airflow.models.dag",
    "DagPriorityParsingRequest": "airflow.models.dagbag",
    "DagRun": "airflow.models.dagrun",
    "DagTag": "airflow.models.dag",
    "DagVersion": "airflow.models.dag_version",
    "Log": "airflow.models.log",
    "ParseImportError": "airflow.models.errors",
    "SerializedDagModel": "airflow.models.serialized_dag",
    "TaskInstance": "airflow.models.taskinstance",
    "TaskReschedule": "airflow.models.taskreschedule",
    "XComModel": "airflow.models.xcom",
    "create_session": "airflow.utils.session",
}
"""The modules of the names that this module passes on."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


# ---- Serialized DAGs


def dag_serialization() -> Any:
    """The class with the methods `to_dict` and `from_dict` for DAGs."""
    from airflow.serialization import serialized_objects

    # Airflow 3.2 has moved both out of the class SerializedDAG.
    return getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG  # type: ignore[attr-defined]


def accept_serialized_forms(dag_class: type[Any]) -> None:
    """Change Airflow's serialization in this process: for a DAG of this class it takes `dag.serialized_form()`."""
    serialization = dag_serialization()
    if getattr(serialization.to_dict, "takes_serialized_forms", False):
        return
    serialize = serialization.to_dict

    def to_dict(dag: Any) -> Any:
        return dag.serialized_form() if isinstance(dag, dag_class) else serialize(dag)

    to_dict.takes_serialized_forms = True  # type: ignore[attr-defined]
    serialization.to_dict = staticmethod(to_dict)


def get_operator_module(task: Any) -> str:
    """The module of a task's operator; a task of a serialized DAG has it by name."""
    return str(getattr(task, "_task_module", None) or type(task).__module__)


def read_timetable(serialized_dag: dict[str, Any]) -> Any:
    """The timetable of a DAG in its serialized form."""
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    return LazyDeserializedDAG(data=serialized_dag).timetable


def has_cluster_policies() -> bool:
    """Whether the installation has policies for DAGs or tasks."""
    from airflow import settings

    # A function since Airflow 3.2, a variable before.
    get_manager = getattr(settings, "get_policy_plugin_manager", None)
    hook = (get_manager() if get_manager else settings.POLICY_PLUGIN_MANAGER).hook
    return bool(hook.dag_policy.get_hookimpls() or hook.task_policy.get_hookimpls())


# ---- The database


def create_database() -> None:
    """Create the tables in the database that the configuration names."""
    from airflow.utils.db import initdb

    initdb()


def list_engines() -> list[Any]:
    """SQLAlchemy's engines of this process."""
    from airflow import settings

    found = [settings.engine]
    if settings.async_engine is not None:
        found.append(settings.async_engine.sync_engine)
    return found


def open_session() -> Session:
    """A session with the options of Airflow's own."""
    from airflow import settings
    from sqlalchemy.orm import Session

    return Session(settings.engine, autoflush=False, expire_on_commit=False)


def close_thread_session() -> None:
    """Close the session that Airflow keeps for this thread."""
    from airflow import settings

    scoped: Any = settings.Session
    scoped.remove()


def keep_import_errors(is_current: Callable[[str, datetime | None], bool]) -> None:
    """In this process, take back the deletion of an import error when `is_current(file, time)` says so."""
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    @event.listens_for(Session, "before_flush")
    def keep_current(session: Any, context: Any, instances: Any) -> None:
        from airflow.models.errors import ParseImportError

        for error in [each for each in session.deleted if isinstance(each, ParseImportError)]:
            if is_current(str(error.filename), error.timestamp):
                # What is added again is not deleted.
                session.add(error)


def find_local_bundles() -> Iterator[tuple[str, Path]]:
    """The name and the folder of each DAG bundle with a folder on this machine."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    for bundle in DagBundlesManager().get_all_dag_bundles():  # type: ignore[no-untyped-call]
        folder = Path(bundle.path)
        if folder.is_dir():
            yield bundle.name, folder


def read_log_lines(instance: TaskInstance, try_number: int) -> Iterator[Any]:
    """The messages in the log of a try of a task instance."""
    from airflow.utils.log.log_reader import TaskLogReader

    stream, _ = TaskLogReader().read_log_chunks(instance, try_number, {"end_of_log": False})
    return iter(stream)


# ---- Runs


def create_run(
    dag: Any, *, bundle: str, source: str, conf: dict[str, Any] | None, run_id: str | None, session: Session
) -> DagRun:
    """Store a DAG with its bundle and version, and a run of it in the state `running`.

    `source` is the file whose text is stored as the source of a DAG that has none.
    """
    scheduler_dag = _store_dag(dag, bundle, source, session)
    # Callbacks are not serialized. No other process needs them, as in `dag.test`.
    scheduler_dag.on_success_callback = dag.on_success_callback
    scheduler_dag.on_failure_callback = dag.on_failure_callback
    run = _create_manual_run(scheduler_dag, conf, run_id, session)
    run.dag = scheduler_dag
    session.commit()
    return run


def _store_dag(dag: Any, bundle: str, source: str, session: Session) -> Any:
    """Store a DAG; returns it in the class that the scheduler works with."""
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    session.add(DagBundleModel(name=bundle))
    session.flush()
    serialization = dag_serialization()
    data = serialization.to_dict(dag)
    scheduler_dag = serialization.from_dict(data)
    if not Path(dag.fileloc).is_file():
        data["dag"]["fileloc"] = source
    serialized = LazyDeserializedDAG(data=data)
    type(scheduler_dag).bulk_write_to_db(bundle, None, [serialized], session=session)
    SerializedDagModel.write_dag(serialized, bundle_name=bundle, session=session)
    session.commit()
    return scheduler_dag


def _create_manual_run(scheduler_dag: Any, conf: dict[str, Any] | None, run_id: str | None, session: Session) -> DagRun:
    from airflow.models.dagrun import DagRun as Run
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    now = datetime.now(tz=timezone.utc)
    run_id = run_id or Run.generate_run_id(run_type=DagRunType.MANUAL, logical_date=now, run_after=now)
    created: DagRun = scheduler_dag.create_dagrun(
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


def to_task_instance_id(text: str) -> Any:
    """A task instance's id as the database has it: text before Airflow 3.2."""
    from airflow.models.taskinstance import TaskInstance

    return UUID(text) if TaskInstance.id.type.python_type is UUID else text


def load_trigger(trigger_id: int) -> Any:
    """The trigger that a deferred task waits for; None if there is none with this id."""
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session

    with create_session() as session:
        row = session.get(Trigger, trigger_id)
        if row is None:
            return None
        module, _, name = row.classpath.rpartition(".")
        return getattr(import_module(module), name)(**row.kwargs)


def submit_trigger_event(trigger_id: int, event: Any) -> None:
    """Make the tasks that wait for a trigger ready to continue with its event."""
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session

    with create_session() as session:
        Trigger.submit_event(trigger_id, event, session=session)


def submit_trigger_failure(trigger_id: int, error: BaseException | list[str]) -> None:
    """Make the tasks that wait for a trigger ready to fail with its error."""
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session

    with create_session() as session:
        Trigger.submit_failure(trigger_id, error, session=session)


# ---- Logs


def replace_logging(
    handler: logging.Handler,
    write_event: Callable[[Any, str, MutableMapping[str, Any]], None],
    levels: Mapping[str, str],
) -> None:
    """Send all log records to `handler` and all events of structlog to `write_event`, and none elsewhere.

    `levels` are the lowest levels of loggers by name: Airflow 3.1 does not read its own option `namespace_levels`.
    """
    import structlog
    from airflow._shared.logging.structlog import PER_LOGGER_LEVELS

    def write_and_drop(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        write_event(logger, method, event)
        raise structlog.DropEvent

    for name, level in levels.items():
        PER_LOGGER_LEVELS[name] = logging.getLevelName(level)
    # Not cached: a logger that was first used in the parent must follow the sink of a worker.
    structlog.configure(processors=[write_and_drop], cache_logger_on_first_use=False)
    logging.getLogger().handlers = [handler]
    for name in ("airflow", "airflow.task", "airflow.processor", "flask_appbuilder"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger("airflow.task").setLevel(logging.INFO)


# ---- The Execution API


def build_execution_api() -> FastAPI:
    """The API that tasks in this process call, with the routes of its newest version alone.

    Airflow makes every route for each of a dozen API versions at the first request, which takes 5 seconds. Client and
    API are one installation here, and need the newest version: the routes as they are written. Airflow has no option
    for that, and `InProcessExecutionAPI` sets up the app in a way that differs with the version of Airflow, so the
    function that it creates the app with is replaced while it does so.
    """
    _import_svcs()
    from airflow.api_fastapi.execution_api import app as execution_api

    replaced: Any = execution_api
    create_app = replaced.create_task_execution_api_app
    replaced.create_task_execution_api_app = _build_newest_api
    try:
        api: FastAPI = execution_api.InProcessExecutionAPI().app
    finally:
        replaced.create_task_execution_api_app = create_app
    return api


def _import_svcs() -> None:
    """Import svcs, which the API uses, without its integrations with aiohttp and Flask.

    It imports them where these are installed, for a tenth of the time that the API takes to import.
    """
    unused = [name for name in ("svcs.aiohttp", "svcs.flask") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(unused))  # type: ignore[arg-type]  # None: not found
    try:
        import_module("svcs")
    finally:
        for name in unused:
            del sys.modules[name]


def _build_newest_api(**options: Any) -> FastAPI:
    from airflow.api_fastapi.execution_api import app as execution_api
    from airflow.api_fastapi.execution_api.routes import execution_api_router
    from cadwyn.route_generation import _DELETED_ROUTE_TAG
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    api = FastAPI(openapi_url=None, **{"lifespan": execution_api.lifespan, **options})
    api.include_router(execution_api_router)
    api.router.routes[:] = [
        route for route in api.router.routes if _DELETED_ROUTE_TAG not in getattr(route, "tags", ())
    ]

    def log_error(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return JSONResponse(status_code=500, content={"message": str(error)})

    api.add_exception_handler(Exception, log_error)
    return api
