"""The fork server: reads a request a line, forks a child that carries it out, and prints the child's exit code."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

PRELOADED_MODULES = (
    "airflow_mlcraft.dag.cwl_dag",
    "airflow_mlcraft.operators.step",
    "airflow_mlcraft.cwl.tool",
    "airflow_mlcraft.cwl.compile",
    "airflow_mlcraft.store.values",
    "airflow_mlcraft.cli.main",
    "cwltool.main",
    "airflow_mlcraft.runner.run_document",
    "airflow_mlcraft.cwl.check",
    "airflow_mlcraft.dag.import_folder",
)

ML_MODULES = ("matplotlib.figure", "pandas", "pyarrow.parquet", "skops.io", "sklearn.ensemble", "sklearn.inspection")
"""What machine-learning steps import; loaded with the first of them, as most tests do without."""


def main(home: str) -> None:
    """Until standard input ends."""
    from airflow_mlcraft.runner.preload import warm_up

    warm_up(Path(home))
    for name in PRELOADED_MODULES:
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        for name in ML_MODULES if request.get("preload_ml") else ():
            importlib.import_module(name)
        pid = os.fork()
        if pid == 0:
            _child(request, Path(home))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _child(request: dict[str, Any], home: Path) -> None:
    code = 99
    try:
        place = Path(request["place"])
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(place / name, os.O_WRONLY | os.O_CREAT), number)
        (place / "stdin").write_text(request.get("stdin", ""))
        os.dup2(os.open(place / "stdin", os.O_RDONLY), 0)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - standard input, by its number
        os.environ.update(request.get("env", {}))
        if request.get("chdir"):
            os.chdir(request["folder"])
        code = {"dag": _dag, "cwltool": _cwltool, "mlcraft": _mlcraft, "mlcraft-cwl-runner": _runner}[request["what"]](
            request, home
        )
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _dag(request: dict[str, Any], home: Path) -> int:
    folder = Path(request["folder"])
    settings = {
        "store": folder / "store",
        "cache": home / "cache",
        "outputs": folder / "out",
        "containers": "never",
        **request.get("settings", {}),
    }
    os.environ.update({f"AIRFLOW__MLCRAFT__{name.upper()}": str(value) for name, value in settings.items()})
    from airflow_mlcraft.errors import MlcraftError
    from airflow_mlcraft.runner.events import task_label
    from airflow_mlcraft.runner.run_dag import run_dag

    try:
        dag = _load_dag(Path(request["document"]), request.get("dag_args", {}))
    except MlcraftError as error:
        _write_answer(folder, state="refused", failed=[{"task_id": "", "message": str(error)}])
        return 1
    states: dict[str, str] = {}
    tries: dict[str, int] = {}
    names: list[str] = []
    lines: list[Any] = []
    events: list[Any] = []

    def record_event(event: Any) -> None:
        states[task_label(event.task_id, event.map_index)] = event.state
        tries[task_label(event.task_id, event.map_index)] = event.try_number
        if event.rendered_map_index and event.rendered_map_index not in names:
            names.append(event.rendered_map_index)
        if request.get("asset_events"):
            events[:] = _asset_events()

    result = run_dag(
        dag,
        conf=request["job"],
        on_event=record_event,
        log=lambda *line: lines.append(line),
        parallel=request.get("parallel", 0),
    )
    last = getattr(dag, "last", None)
    _write_answer(
        folder,
        state=result.state,
        outputs=result.xcom(last.task_id) if last else None,
        failed=[vars(failure) for failure in result.failed],
        states=states,
        tries=tries,
        lines=lines,
        names=names,
        xcom={
            task_id: result.xcom(task_id, key=request.get("xcom_key", "return_value"))
            for task_id in request.get("xcom", ())
        },
        events=events,
    )
    return 0


def _asset_events() -> list[Any]:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(select(AssetEvent).order_by(AssetEvent.id)).all()
        return [[event.asset.uri, event.extra] for event in found]


def _load_dag(path: Path, dag_args: dict[str, Any]) -> Any:
    from airflow.sdk import DAG

    from airflow_mlcraft.dag.cwl_dag import CwlDag

    if path.suffix == ".py":
        return next(value for value in runpy.run_path(str(path)).values() if isinstance(value, DAG))
    return CwlDag(path, **dag_args)


def _write_answer(folder: Path, **answer: Any) -> None:
    empty: dict[str, Any] = {"outputs": None, "states": {}, "tries": {}, "xcom": {}}
    lists: dict[str, Any] = {"lines": [], "names": [], "events": []}
    (folder / "answer.json").write_text(json.dumps({**empty, **lists, **answer}))


def _cwltool(request: dict[str, Any], home: Path) -> int:
    from cwltool.main import main as cwltool

    return int(cwltool(request["arguments"]))


def _mlcraft(request: dict[str, Any], home: Path) -> int:
    from airflow_mlcraft.cli.main import main as mlcraft

    sys.argv = ["mlcraft", *request["arguments"]]
    mlcraft()
    return 0


def _runner(request: dict[str, Any], home: Path) -> int:
    from airflow_mlcraft.cli.cwl_runner import main as runner

    return runner(request["arguments"])


if __name__ == "__main__":
    main(sys.argv[1])
