"""The DAGs that the tests run, each in a child of the fork server; what a test looks at is returned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.sdk import DAG, task, task_group

from airflow_mlcraft.common.cores import count_cores
from airflow_mlcraft.errors import MlcraftError, ToolError
from airflow_mlcraft.runner.home import prepare_embedded_airflow
from airflow_mlcraft.runner.run_dag import run_dag


def summarize_result(result: Any, *wanted: Any) -> dict[str, Any]:
    return {
        "state": result.state,
        "reason": result.reason,
        "failed": [vars(failure) for failure in result.failed],
        "xcom": [result.xcom(*key) for key in wanted],
    }


def linear(conf: dict[str, Any]) -> dict[str, Any]:
    with DAG("linear", params={"start": 1}) as dag:

        @task
        def first(params: dict[str, Any] | None = None) -> dict[str, Any]:
            print("a line on stdout")
            subprocess.run(["sh", "-c", "echo from a tool; echo loud >&2"], check=True)
            assert params is not None
            return {"class": "File", "n": params["start"], "x": 0.5, "none": None}

        @task
        def second(value: dict[str, Any]) -> int:
            return int(value["n"]) + 1

        second(first())  # type: ignore[arg-type]
    events: list[Any] = []
    lines: list[Any] = []
    result = run_dag(dag, conf=conf, on_event=events.append, log=lambda *line: lines.append(line), run_id="chosen")
    return {
        **summarize_result(result, ("first",), ("second",), ("second", -1, "no such key")),
        "run_id": result.run_id,
        "events": [(event.task_id, event.state, event.done, event.total) for event in events],
        "durations": [event.duration for event in events if event.state == "success"],
        "lines": lines,
    }


def mapped(count: int, parallel: int, pause: float) -> dict[str, Any]:
    with DAG("mapped") as dag:

        @task
        def several() -> list[int]:
            return list(range(count))

        @task
        def each(item: int) -> tuple[float, float]:
            begun = time.time()
            time.sleep(pause)
            return begun, time.time()

        @task
        def gather(items: Any) -> list[Any]:
            return list(items)

        gather(each.expand(item=several()))
    return summarize_result(run_dag(dag, parallel=parallel), ("gather",))


def greedy() -> dict[str, Any]:
    """Tasks that need as many slots as there are cores."""
    with DAG("greedy") as dag:

        @task(pool_slots=count_cores())
        def each(item: int) -> tuple[float, float]:
            begun = time.time()
            time.sleep(0.3)
            return begun, time.time()

        @task
        def gather(items: Any) -> list[Any]:
            return list(items)

        gather(each.expand(item=[1, 2, 3]))
    return summarize_result(run_dag(dag), ("gather",))


def mapped_group() -> dict[str, Any]:
    with DAG("mapped_group") as dag:

        @task
        def several() -> list[int]:
            return [1, 2, 3]

        @task_group
        def group(item: int) -> Any:
            @task
            def double(value: int) -> int:
                return 2 * value

            @task
            def add(value: int) -> int:
                return value + 1

            return add(double(item))  # type: ignore[arg-type]

        @task
        def gather(items: Any) -> list[int]:
            return list(items)

        gather(group.expand(item=several()))
    return summarize_result(run_dag(dag), ("gather",))


def skipped() -> dict[str, Any]:
    with DAG("skipped") as dag:

        @task
        def skip() -> None:
            raise AirflowSkipException("not today")

        @task
        def ordinary() -> str:
            return "ran"

        @task(trigger_rule="none_failed")
        def after() -> str:
            return "went on"

        @task
        def never() -> None:
            return None

        gone = skip()
        [gone, ordinary()] >> after()
        gone >> never()
    events: list[Any] = []
    result = run_dag(dag, on_event=events.append)
    return {**summarize_result(result, ("after",)), "states": {event.task_id: event.state for event in events}}


def retried(place: str, delay: float) -> dict[str, Any]:
    with DAG("retried") as dag:

        @task(retries=2, retry_delay=timedelta(seconds=delay))
        def flaky() -> int:
            tries = Path(place, "tries")
            with tries.open("a") as file:
                file.write(f"{time.time()}\n")
            times = [float(line) for line in tries.read_text().splitlines()]
            if len(times) < 3:
                raise ToolError(f"try {len(times)} failed", temporary=True)
            return len(times)

        flaky()
    events: list[Any] = []
    result = run_dag(dag, on_event=events.append)
    return {**summarize_result(result, ("flaky",)), "events": [(event.state, event.try_number) for event in events]}


def failing() -> dict[str, Any]:
    with DAG("failing") as dag:

        @task
        def broken() -> None:
            try:
                raise ToolError("The tool `cat` ended with code 1.", temporary=False)
            except ToolError as error:
                raise AirflowFailException(str(error)) from error

        @task
        def temporary() -> None:
            raise ToolError("The machine is full.", temporary=True)

        @task
        def bug() -> None:
            raise KeyError("key")

        @task
        def after() -> None:
            return None

        broken() >> after()
        temporary()
        bug()
    return summarize_result(run_dag(dag))


def killed(place: str, retries: int) -> dict[str, Any]:
    with DAG("killed") as dag:

        @task(retries=retries, retry_delay=timedelta(seconds=0))
        def victim() -> str:
            mark = Path(place, "was here")
            if retries and mark.exists():
                return "second try"
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
            return "not reached"

        @task
        def other() -> str:
            time.sleep(0.5)
            return "unharmed"

        victim()
        other() >> task(task_id="later")(lambda: "ran")()
    return summarize_result(run_dag(dag, parallel=1), ("victim",), ("other",), ("later",))


def interrupted(place: str) -> dict[str, Any]:
    with DAG("interrupted") as dag:

        @task
        def long(number: int) -> None:
            tool = subprocess.Popen(["sleep", "600"])
            Path(place, f"pids-{number}").write_text(f"{os.getpid()} {tool.pid}")
            tool.wait()

        long.expand(number=[1, 2])
    try:
        return summarize_result(run_dag(dag, parallel=2, keep=Path(place, "kept")))
    except KeyboardInterrupt:
        return {"state": "interrupted"}


def deferred() -> dict[str, Any]:
    from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
    from airflow.sdk import TriggerRule

    with DAG("deferred") as dag:

        @task(trigger_rule=TriggerRule.ALL_SUCCESS)
        def after() -> str:
            return "woken"

        TimeDeltaSensor(task_id="wait", delta=timedelta(seconds=0), deferrable=True) >> after()
    return summarize_result(run_dag(dag), ("after",))


def rescheduled(place: str) -> dict[str, Any]:
    with DAG("rescheduled") as dag:

        @task.sensor(mode="reschedule", poke_interval=0.2, timeout=30)
        def wait() -> bool:
            mark = Path(place, "mark")
            if mark.exists():
                return True
            mark.touch()
            return False

        wait()
    return summarize_result(run_dag(dag))


def stuck() -> dict[str, Any]:
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    with DAG("stuck") as dag:
        ApprovalOperator(task_id="approve", subject="May we?")
    return summarize_result(run_dag(dag))


def other_home(place: str) -> dict[str, Any]:
    try:
        prepare_embedded_airflow(Path(place))
    except MlcraftError as error:
        return {"error": str(error)}
    return {}


def sequence(count: int) -> dict[str, Any]:
    """Several runs, one after the other, leave nothing open behind."""

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    linear({"start": 1})
    before = open_files()
    states = [linear({"start": number})["xcom"][1] for number in range(count)]
    return {"states": states, "more": open_files() - before}


if __name__ == "__main__":
    sys.exit("These are run by warm_process.py.")
