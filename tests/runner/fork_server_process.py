"""The fork server: reads requests on stdin, forks a child for each scenario, and writes how it ended to stdout."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from airflow_mlcraft.runner.preload import warm_up


def main(home: str) -> None:
    # A shell that starts something in the background lets it ignore Ctrl-C, and its children with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warm_up(Path(home))
    from tests.runner import scenarios

    print("ready", flush=True)
    children: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if order["what"] == "wait":
            pid, status = os.waitpid(order["pid"], 0)
            children.discard(pid)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            child(scenarios, order, Path(order["folder"]))
        children.add(pid)
        print(pid, flush=True)


def child(scenarios: Any, order: dict[str, Any], folder: Path) -> None:
    status = 1
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
        answer = getattr(scenarios, order["what"])(**order["arguments"])
        (folder / "answer.json").write_text(json.dumps(answer))
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1])
