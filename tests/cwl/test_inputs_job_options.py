"""Inputs as options of a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.cwl.inputs import job_from_options
from airflow_mlcraft.cwl.plan import Port, Workflow
from airflow_mlcraft.errors import InputError

ENUM = {"type": "enum", "symbols": ["file:///t.cwl#colour/red", "green"]}
RECORD = {"type": "record", "name": "person", "fields": []}
WORKFLOW = Workflow(
    "main",
    doc="Tries every type.",
    inputs=(
        Port("text", "string", doc="Some 100% text."),
        Port("count", "int?"),
        Port("number", ["null", "int"]),
        Port("ratio", "double", default=0.5, has_default=True),
        Port("flag", "boolean"),
        Port("file", "File"),
        Port("folder", ["null", "Directory"]),
        Port("files", {"type": "array", "items": "File"}),
        Port("numbers", ["null", {"type": "array", "items": "int"}]),
        Port("colour", ENUM),
        Port("who", RECORD),
        Port("any", "Any"),
        Port("help_me", "string"),
    ),
)


def job(*given: str) -> dict[str, Any]:
    return job_from_options(WORKFLOW, given, prog="run t.cwl")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], {}),
        (["--text", "a b", "--number", "-3"], {"text": "a b", "number": -3}),
        (["--text=--odd"], {"text": "--odd"}),
        (["--flag"], {"flag": True}),
        (["--no-flag"], {"flag": False}),
        (["--ratio", "1e-3"], {"ratio": 0.001}),
        (["--numbers", "1", "--numbers", "2"], {"numbers": [1, 2]}),
        (["--colour", "red"], {"colour": "red"}),
        (["--who", '{"name": "Ann"}'], {"who": {"name": "Ann"}}),
        (["--any", "[1, null]"], {"any": [1, None]}),
        (["--any", "text"], {"any": "text"}),
        (["--file", "s3://bucket/a"], {"file": {"class": "File", "location": "s3://bucket/a"}}),
        (["--help_me", "x"], {"help_me": "x"}),
    ],
)
def test_options(given: list[str], expected: dict[str, Any]) -> None:
    assert job(*given) == expected


def test_paths_start_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert job("--file", "a b.txt", "--folder", ".", "--files", "x", "--files", "/y") == {
        "file": {"class": "File", "location": f"{tmp_path.as_uri()}/a%20b.txt"},
        "folder": {"class": "Directory", "location": tmp_path.as_uri()},
        "files": [
            {"class": "File", "location": f"{tmp_path.as_uri()}/x"},
            {"class": "File", "location": "file:///y"},
        ],
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--number", "three"], ["number", "INT", "'three'"]),
        (["--wrod", "x"], ["no input --wrod", "--help"]),
        (["--text"], ["text", "--help"]),
        (["--who", "{"], ["who", "JSON"]),
        (["stray"], ["stray", "--help"]),
        (["--tex", "abbreviated"], ["--tex"]),
    ],
)
def test_mistakes(given: list[str], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        job(*given)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        job("--help")
    assert left.value.code == 0
    output = " ".join(capsys.readouterr().out.split())
    for words in (
        "run t.cwl",
        "Tries every type.",
        "--text STRING",
        "Some 100% text. — required",
        "default 0.5",
        "--colour {red,green}",
        "--flag, --no-flag",
        "--folder DIRECTORY",
        "optional",
    ):
        assert words in output, output
