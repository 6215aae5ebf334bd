"""Expressions, evaluated by cwl-utils with the engines of the adapter."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from cwl_utils import sandboxjs
from cwl_utils.errors import WorkflowException
from cwl_utils.expression import do_eval

from airflow_mlcraft.adapters.cwl_utils import NodeEngine, disable_javascript, use_node_engine
from airflow_mlcraft.adapters.internals import CWL_UTILS
from airflow_mlcraft.cwl.javascript import find_node
from tests.adapters.attributes import assert_attribute

JAVASCRIPT: Any = [{"class": "InlineJavascriptRequirement"}]
JOB: Any = {"a": 2, "name": {"first": "Ada"}}


@pytest.fixture(autouse=True)
def _usual_engine() -> Iterator[None]:
    """The engine that was used before the test is used after it."""
    before = sandboxjs.get_js_engine()
    sandboxjs.NodeJSEngine.localdata.__dict__.clear()
    yield
    sandboxjs.NodeJSEngine.localdata.__dict__.clear()
    sandboxjs.set_js_engine(before)


def evaluate(expression: str, timeout: float = 20) -> Any:
    return do_eval(expression, JOB, JAVASCRIPT, None, None, {}, timeout=timeout)


@pytest.fixture
def started() -> list[bool]:
    """For each Node that was started, whether it evaluates expressions. The engine is in use."""
    found = []

    def start(script: str, evaluates_expressions: bool) -> subprocess.Popen[str]:
        found.append(evaluates_expressions)
        pipe = subprocess.PIPE
        return subprocess.Popen([find_node(), "--eval", script], stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    use_node_engine(NodeEngine(start))
    return found


@pytest.mark.parametrize("name", ["localdata", "processes_to_kill"])
def test_an_engine_has_the_attribute(name: str) -> None:
    assert_attribute(CWL_UTILS, sandboxjs.NodeJSEngine(), name)


def test_one_node_evaluates_all_expressions(started: list[bool]) -> None:
    assert evaluate("$(inputs.a + 1)") == 3
    assert evaluate("${return inputs.name.first + '!';}") == "Ada!"
    assert started == [True], "cwl-utils does not start Node by NodeJSEngine.new_js_proc, or with another script"


def test_an_expression_that_takes_too_long_is_an_error(started: list[bool]) -> None:
    with pytest.raises(WorkflowException, match="Long-running script killed"):
        evaluate("${while (true) {}}", timeout=1)
    assert evaluate("$(inputs.a + 1)") == 3
    assert started == [True, True]


def test_without_javascript_references_are_evaluated() -> None:
    disable_javascript()
    assert evaluate("$(inputs.name.first)") == "Ada"
    assert evaluate("$(inputs.a + 1)") == "$(inputs.a + 1)"
    assert evaluate("${return 1;}") == "${return 1;}"
