"""What is wrong with a broken document, and where."""

from __future__ import annotations

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from airflow_mlcraft.cwl.compile import compile_document
from airflow_mlcraft.cwl.load import load
from airflow_mlcraft.errors import DocumentError, SeveralProcessesError, UnsupportedError

BROKEN = Path(__file__).parents[1] / "documents" / "broken"
SHIPPED = Path(__file__).parents[2] / "cwl"

# document, line, column, words of the sentence
FAULTS = [
    ("misspelt_field", 3, 1, ["'baseComand'", "expected one of", "'baseCommand'"]),
    ("yaml_error", 6, 1, ["unexpected end of stream"]),
    ("yaml_tab", 4, 1, ["'\\t'"]),
    ("missing_run_file", 7, 5, ["'run'", "'not_there.cwl'"]),
    ("link_of_wrong_type", 4, 3, ["'many'", '"string"', "line 12", "'number'", '"int"']),
    ("link_to_nothing", 9, 7, ["'source'", "'txet'"]),
    ("missing_input_of_step", 7, 5, ["required", "'word'"]),
    ("unknown_scatter", 10, 5, ["'scatter'", "'wrod'"]),
    ("unknown_requirement", 5, 3, ["'TimeTravelRequirement'"]),
    ("unknown_class", 2, 1, ["'CommandlineTool'"]),
    ("wrong_version", 2, None, ["draft-3", "v1.0, v1.1, v1.2", "cwl-upgrader"]),
    ("no_version", 1, None, ["no cwlVersion", "v1.0, v1.1, v1.2"]),
    ("a_list", 1, None, ["expected a CWL document", "a list"]),
    ("not_utf8", 3, None, ["not UTF-8"]),
    ("control_character", 3, None, ["#x01"]),
    ("over_the_network", 7, 5, ["https://cwl.example/tool.cwl", "allowed_document_hosts"]),
    ("runs_itself", 9, None, ["runs itself"]),
    ("runs_itself_packed", 22, None, ["runs itself"]),
    ("duplicate_keys", 6, 3, ["duplicate key", '"word"']),
    ("steps_in_a_circle", 6, None, ["circular", "#hen", "#egg"]),
    ("empty", 1, None, ["empty"]),
    ("requirements_left_empty", 6, None, ["field that is empty"]),
    ("imports_itself", 5, None, ["imports itself"]),
]


@pytest.mark.parametrize(("name", "line", "column", "words"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_faults(name: str, line: int | None, column: int | None, words: list[str]) -> None:
    path = BROKEN / f"{name}.cwl"
    with pytest.raises(DocumentError) as caught:
        load(path)
    error = caught.value
    assert (error.path, error.line, error.column) == (str(path), line, column), str(error)
    assert all(word in error.message for word in words), error.message
    assert "file://" not in error.message
    assert str(error).startswith(f"{path}:{line}:" if line else f"{path}: ")
    assert "\n" not in str(error)


def test_a_packed_document_without_a_main_process_says_which_it_has() -> None:
    path = BROKEN.parent / "wild" / "several" / "packed_tools.cwl"
    with pytest.raises(
        SeveralProcessesError, match=r"packed_tools.cwl:1: .*#one, #two.*#main.*packed_tools.cwl#name"
    ) as caught:
        load(path)
    assert caught.value.names == ("one", "two")
    with pytest.raises(SeveralProcessesError) as caught:
        load(path.with_name("packed_tops.cwl"))
    assert caught.value.names == ("first", "second"), "workflows that no other runs, rather than tools"
    assert load(path, "two").process.tool["id"].endswith("#two")


def test_a_circle_is_placed_where_it_closes() -> None:
    with pytest.raises(DocumentError, match="runs itself") as caught:
        load(BROKEN / "runs_itself_from_afar.cwl")
    assert (caught.value.path, caught.value.line) == (str(BROKEN / "runs_itself_packed.cwl"), 22)


@pytest.mark.parametrize("nested", ["[" * 400 + "]" * 400, "{a: " * 400 + "b" + "}" * 400])
def test_values_too_deep_to_be_read(tmp_path: Path, nested: str) -> None:
    path = tmp_path / "deep.cwl"
    path.write_text(f"cwlVersion: v1.2\nclass: CommandLineTool\ninputs: []\noutputs: []\ndoc: {nested}\n")
    with pytest.raises(DocumentError, match=r"nested \d+ deep") as caught:
        load(path)
    assert (caught.value.path, caught.value.line) == (str(path), 5)


def test_every_broken_document_is_looked_at() -> None:
    assert {path.stem for path in BROKEN.iterdir()} == {fault[0] for fault in FAULTS} | {"runs_itself_from_afar"}


def test_a_version_that_is_not_supported_has_an_exit_code_of_its_own() -> None:
    with pytest.raises(UnsupportedError):
        load(BROKEN / "wrong_version.cwl")


def test_the_fault_of_an_included_file_is_placed_there(tmp_path: Path) -> None:
    (tmp_path / "main.cwl").write_text(
        "cwlVersion: v1.2\nclass: Workflow\ninputs: []\noutputs: []\n"
        "steps:\n  one:\n    run: tools/one.cwl\n    in: []\n    out: []\n"
    )
    tool = tmp_path / "tools" / "one.cwl"
    tool.parent.mkdir()
    tool.write_text((BROKEN / "misspelt_field.cwl").read_text())
    with pytest.raises(DocumentError, match="baseComand") as caught:
        load(tmp_path / "main.cwl")
    assert (caught.value.path, caught.value.line) == (str(tool), 3)


@pytest.mark.parametrize(
    "content",
    [
        "3",
        "hello",
        "null",
        "cwlVersion: v1.2\nclass: [CommandLineTool]\n",
        "cwlVersion: v1.2\n$graph: {}\n",
        "cwlVersion: v1.2\n$graph: []\n",
        "cwlVersion: v1.2\n$graph:\n- hello\n",
        "cwlVersion: v1.2\nclass: !!python/object:os.system CommandLineTool\n",
    ],
)
def test_what_is_no_document_is_an_error_like_any_other(tmp_path: Path, content: str) -> None:
    path = tmp_path / "strange.cwl"
    path.write_text(content)
    with pytest.raises(DocumentError, match="strange.cwl"):
        load(path)


def test_a_folder_and_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "folder.cwl").mkdir()
    (tmp_path / "dangling.cwl").symlink_to("nowhere")
    with pytest.raises(DocumentError, match="directory"):
        load(tmp_path / "folder.cwl")
    with pytest.raises(DocumentError, match="there is no file"):
        load(tmp_path / "dangling.cwl")


def test_a_document_with_a_line_missing_loads_or_says_why(tmp_path: Path) -> None:
    """Whatever is deleted, and wherever a copy was cut short: never an exception that is not a sentence."""
    lines = (SHIPPED / "workflows" / "text_statistics.cwl").read_text().splitlines(keepends=True)
    document = tmp_path / "workflows" / "broken.cwl"
    document.parent.mkdir()
    for folder in ("tools", "data"):
        (tmp_path / folder).symlink_to(SHIPPED / folder)
    outcomes = set()
    for number in range(0, len(lines), 5):
        for rest in (lines[:number], lines[:number] + lines[number + 1 :]):
            document.write_text("".join(rest))
            try:
                compile_document(load(document))
                outcomes.add("loaded")
            except DocumentError as error:
                assert error.path
                outcomes.add("refused")
    assert outcomes == {"loaded", "refused"}


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "tool.cwl"
    path.write_bytes(
        b"\xef\xbb\xbfcwlVersion: v1.2\r\nclass: CommandLineTool\r\nbaseCommand: echo\r\ninputs: []\r\noutputs: []\r\n"
    )
    assert load(path).process.tool["baseCommand"] == "echo"


def test_a_long_chain_of_steps_is_no_circle(tmp_path: Path) -> None:
    """cwltool follows it by recursion."""
    step = (
        "  s{n:04}:\n    in: {{text: {source}}}\n    out: [text]\n    run: &{n}\n      class: ExpressionTool\n"
        "      inputs: {{text: string}}\n      outputs: {{text: string}}\n      expression: $(inputs)\n"
    )
    again = "  s{n:04}: {{in: {{text: {source}}}, out: [text], run: *0}}\n"
    steps = [
        (again if number else step).format(n=number, source=f"s{number - 1:04}/text" if number else "text")
        for number in range(450)
    ]
    path = tmp_path / "chain.cwl"
    path.write_text(
        "cwlVersion: v1.2\nclass: Workflow\nrequirements: {InlineJavascriptRequirement: {}}\n"
        "inputs: {text: string}\noutputs: []\nsteps:\n" + "".join(steps)
    )
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(420)  # A longer chain would do as well, and take longer.
    try:
        loaded = load(path)
        assert sys.getrecursionlimit() == 420
    finally:
        sys.setrecursionlimit(before)
    assert len(compile_document(loaded)[0].root.steps) == 450


TOOL = "class: CommandLineTool\ncwlVersion: v1.2\noutputs: []\ninputs:\n  b: string\n  a:\n    type: "


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (TOOL + "{$import: gone.yml}\n", 7, "there is no file"),
        (TOOL + "{$import: 'https://cwl.example/t.yml'}\n", 7, "allowed_document_hosts"),
        (TOOL.replace("CommandLineTool", "[CommandLineTool]") + "string\n", 1, "class is a list, expected one of"),
        (TOOL + "string\n'': []\n", 8, "called ''"),
    ],
)
def test_what_cwltool_gives_no_line_for_has_one(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "document.cwl"
    path.write_text(text)
    with pytest.raises(DocumentError, match=re.escape(message)) as caught:
        load(path)
    assert caught.value.line == line


class _Redirects(BaseHTTPRequestHandler):
    """Sends everybody to the same machine under another name."""

    requests: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.requests.append(self.headers["Host"])
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{self.server.server_port}{self.path}")  # type: ignore[attr-defined]
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815


def test_a_host_leads_on_to_no_other(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Redirects) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = tmp_path / "far.cwl"
        path.write_text(
            "cwlVersion: v1.2\nclass: Workflow\ninputs: {}\noutputs: {}\n"
            f"steps: {{far: {{run: 'http://127.0.0.1:{server.server_port}/tool.cwl', in: {{}}, out: []}}}}\n"
        )
        with pytest.raises(DocumentError, match=r"redirects to http://localhost|undefined reference to"):
            load(path, allowed_hosts=["127.0.0.1"])
        server.shutdown()
    assert {host.partition(":")[0] for host in _Redirects.requests} == {"127.0.0.1"}
