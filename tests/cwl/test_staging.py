"""Where a tool's files are put: in its folder, whatever the names in its inputs, its document and its outputs are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cwltool.pathmapper import PathMapper
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.containers import Containers
from airflow_mlcraft.cwl.staging import check_targets
from airflow_mlcraft.cwl.tool import ToolResult, run_tool
from airflow_mlcraft.errors import MlcraftError, UnsafeNameError

NEVER = Containers(use="never")
LITERAL = {"class": "File", "basename": "zz.py", "contents": "raise SystemExit"}


def tool(inputs: str = "x: Any", extra: str = "", arguments: str = "[ls, -R, .]") -> str:
    return f"""
cwlVersion: v1.2
class: CommandLineTool
inputs: {{{inputs}}}
outputs: {{}}
requirements:
  InlineJavascriptRequirement: {{}}
{extra}
baseCommand: {arguments}
"""


class Runner:
    def __init__(self, folder: Path):
        self.folder = folder
        self.work = folder / "a" / "b" / "work"
        self.work.mkdir(parents=True)
        self._cache = PlanCache(folder / "cache")

    def __call__(self, text: str, job: dict[str, Any]) -> ToolResult:
        path = self.folder / "tool.cwl"
        path.write_text(text)
        plan = self._cache.get_plan(path)
        document = self._cache.tool(plan.root.steps[0].run.digest)
        room = self.work / str(len(list(self.work.iterdir())))
        room.mkdir()
        return run_tool(document, job, name="tool", folder=room, log=lambda *_: None, containers=NEVER)

    def is_clean(self) -> bool:
        return {path.name for path in self.folder.iterdir()} <= {"a", "cache", "tool.cwl", "dags"} and not (
            [path for path in (self.folder / "a").rglob("zz.py") if not path.is_relative_to(self.work)]
        )


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.mark.parametrize(
    "value",
    [
        {"class": "Directory", "basename": "../../../../../dags", "listing": [LITERAL]},
        {"class": "File", "basename": "a.txt", "contents": "", "secondaryFiles": [
            {"class": "Directory", "basename": "../../../../../../dags", "listing": [LITERAL]}]},
        {**LITERAL, "basename": "../../zz.py"},
        {**LITERAL, "basename": "/tmp/zz.py"},
        {**LITERAL, "basename": ".."},
        {"class": "Directory", "basename": "d", "listing": [{**LITERAL, "basename": "../../../zz.py"}]},
    ],
)  # fmt: skip
def test_a_name_in_an_input_leads_nowhere(run: Runner, value: Any) -> None:
    for inputs in ("x: File", "x: Directory", "x: Any"):
        with pytest.raises(MlcraftError, match=r"(?s)basename|Directory|File"):
            run(tool(inputs), {"x": value})
    assert run.is_clean()
    with pytest.raises(MlcraftError, match="cannot be the name of a file"):
        run(tool("x: Any"), {"x": value})


def test_a_dirname_in_an_input_leads_nowhere(run: Runner) -> None:
    there = run.folder / "dags"
    there.mkdir()
    run(tool("x: File"), {"x": {**LITERAL, "dirname": str(there)}})
    assert not list(there.iterdir())


def test_nothing_is_written_into_a_folder_that_is_an_input(run: Runner) -> None:
    """The second Directory of that name would lie behind the link to the first."""
    there = run.folder / "dags"
    there.mkdir()
    linked = {"class": "Directory", "basename": "d", "location": there.as_uri()}
    made = {"class": "Directory", "basename": "d", "listing": [LITERAL]}
    for pair in ([linked, made], [made, linked]):
        with pytest.raises(MlcraftError):
            run(tool("x: File"), {"x": {"class": "File", "basename": "a", "contents": "", "secondaryFiles": pair}})
        assert not list(there.iterdir())


WORKING_FOLDER = """
  InitialWorkDirRequirement:
    listing: {listing}
"""


@pytest.mark.parametrize(
    "listing",
    [
        '[{entryname: "$(inputs.x)", entry: made}]',
        "[\"$({class: 'File', basename: inputs.x, contents: 'made'})\"]",
        "\"$([{class: 'Directory', basename: 'd', listing: [{class: 'File', basename: inputs.x, contents: 'm'}]}])\"",
        "\"$([{class: 'File', basename: 'f', contents: '', dirname: '/tmp', secondaryFiles: "
        "[{class: 'File', basename: inputs.x, contents: 'm'}]}])\"",
    ],
)
@pytest.mark.parametrize("name", ["../zz.py", "..", "../../../../zz.py", "/tmp/mlcraft-zz.py", "d/../../zz.py"])
def test_a_name_in_the_working_folder_leads_nowhere(run: Runner, listing: str, name: str) -> None:
    text = tool("x: string", WORKING_FOLDER.format(listing=listing))
    with pytest.raises(MlcraftError, match=r"outside of the tool's folder|invalid"):
        run(text, {"x": name})
    assert run.is_clean()
    assert not Path("/tmp/mlcraft-zz.py").exists()


@pytest.mark.parametrize("name", ["plain.txt", "deep/er/plain.txt", "./plain.txt", "ü ☃ #1 100%.txt"])
def test_entry_names_inside_of_the_working_folder(run: Runner, name: str) -> None:
    listing = '[{entryname: "$(inputs.x)", entry: made}]'
    text = tool("x: string", WORKING_FOLDER.format(listing=listing), arguments="[cat]")
    run(f'{text}\narguments: ["$(inputs.x)"]\n', {"x": name})


def test_in_a_container_any_path_of_the_container(tmp_path: Path) -> None:
    """A container has a file system of its own."""

    def refuse(target: str, *, in_container: bool) -> None:
        mapper = PathMapper([], "", "/var/lib/cwl")
        mapper.update("x", str(tmp_path / "made"), target, "CreateFile", True)
        check_targets(mapper, ["/var/lib/cwl"], in_container=in_container)

    refuse("/etc/tool.conf", in_container=True)
    for target, in_container in (("/etc/tool.conf", False), ("/etc/../tool.conf", True), ("etc/tool.conf", True)):
        with pytest.raises(UnsafeNameError, match="outside of the tool's folder"):
            refuse(target, in_container=in_container)


OUTPUTS = """
cwlVersion: v1.2
class: CommandLineTool
inputs: {{text: string}}
outputs: {{made: Any}}
requirements:
  InlineJavascriptRequirement: {{}}
  InitialWorkDirRequirement:
    listing: [{{entryname: cwl.output.json, entry: "$(inputs.text)"}}, {{entryname: a, entry: a}}]
baseCommand: "true"
"""


@pytest.mark.parametrize(
    "made",
    [
        {"class": "File", "path": "a", "basename": "../../zz.py"},
        {"class": "File", "path": "a", "secondaryFiles": [{"class": "File", "path": "a", "basename": ".."}]},
        {"class": "Directory", "path": ".", "basename": "x/../../y"},
    ],
)
def test_a_name_in_what_a_tool_says_of_its_outputs(run: Runner, made: Any) -> None:
    with pytest.raises(MlcraftError, match=r"an output is refused: the basename .* cannot be the name of a file"):
        run(OUTPUTS.format(), {"text": json.dumps({"made": made})})


def test_a_name_that_an_expression_makes(run: Runner) -> None:
    text = """
cwlVersion: v1.2
class: ExpressionTool
inputs: {x: string}
outputs: {made: File}
requirements: {InlineJavascriptRequirement: {}}
expression: "$({made: {class: 'File', basename: inputs.x, contents: 'm'}})"
"""
    with pytest.raises(MlcraftError, match="an output is refused"):
        run(text, {"x": "../zz.py"})


NAMES = st.sampled_from(["..", ".", "a", "../zz.py", "a/zz.py", "/tmp/x/zz.py", "zz.py", "ü", "b\0", "a" * 256])


@given(outer=NAMES, inner=NAMES, beside=NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_input_writes_outside_of_the_folder(outer: str, inner: str, beside: str, tmp_path_factory: Any) -> None:
    run = Runner(tmp_path_factory.mktemp("run"))
    folder = {"class": "Directory", "basename": outer, "listing": [{**LITERAL, "basename": inner}]}
    value = {"class": "File", "basename": beside, "contents": "", "secondaryFiles": [folder]}
    try:
        run(tool("x: File"), {"x": value})
    except MlcraftError as error:
        assert "\n" not in str(error)
    assert run.is_clean()
