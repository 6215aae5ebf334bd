"""Internals of cwl-utils: the engine that evaluates the JavaScript of expressions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from subprocess import Popen, TimeoutExpired
from typing import Any

from cwl_utils.sandboxjs import JSEngine, NodeJSEngine, set_js_engine

_TIMEOUT_EXIT_CODE = -1
"""The exit code by which cwl-utils says that an expression took too long."""
_END_TIMEOUT = 5.0
"""Seconds that a Node that was killed has for being gone."""


class NodeEngine(NodeJSEngine):
    """cwl-utils' engine with processes that `start_node` starts, and without its search for a container of Node.

    `start_node` takes the script, and whether it is the one that evaluates expressions: cwl-utils has two more, for a
    console and for its own checks of the form of a document.
    """

    def __init__(self, start_node: Callable[[str, bool], Popen[str]]):
        super().__init__()
        self._start_node = start_node

    def exec_js_process(self, *args: Any, **kwargs: Any) -> tuple[int, str, str]:
        """The exit code, and what Node said. A Node that was just ended may not have an exit code yet."""
        code, output, errors = super().exec_js_process(*args, **kwargs)
        if code or output or errors:
            return code, output, errors
        for process in self.localdata.procs.values():
            # The next expression would be given to it.
            with suppress(TimeoutExpired):
                process.wait(_END_TIMEOUT)
        return _TIMEOUT_EXIT_CODE, output, errors

    def new_js_proc(
        self, js_text: str, force_docker_pull: bool = False, container_engine: str = "docker"
    ) -> Popen[str]:
        """A Node that runs a script. cwl-utils calls it."""
        if "procs" not in self.localdata.__dict__:
            self.localdata.procs = {}
        process = self._start_node(js_text, "runInNewContext" in js_text)
        self.processes_to_kill.append(process)
        return process


class _NoJavascript(JSEngine):
    """Evaluates references to parameters; JavaScript stays as it is written."""

    def eval(self, scan: str, jslib: str = "", **_: Any) -> Any:  # type: ignore[override]
        return f"${scan}"

    def regex_eval(self, parsed_string: str, remaining_string: str, current_value: Any, **kwargs: Any) -> Any:
        return NodeJSEngine().regex_eval(parsed_string, remaining_string, current_value, **kwargs)


def use_node_engine(engine: NodeEngine) -> None:
    """Evaluate all expressions of this process with an engine."""
    set_js_engine(engine)


def disable_javascript() -> None:
    """Evaluate references to parameters alone; JavaScript stays as it is written."""
    set_js_engine(_NoJavascript())
