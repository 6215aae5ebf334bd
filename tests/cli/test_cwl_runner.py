"""`mlcraft-cwl-runner`: stdout is the output object alone, and mistakes are sentences."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft import __version__
from tests.operators.embedded import DOCUMENTS, PROJECT, CommandResult, fork_server, names_and_texts

COUNT = DOCUMENTS / "count_lines" / "count_lines.cwl"
JOB = DOCUMENTS / "count_lines" / "job.yml"


def run(folder: Path, *arguments: str | Path, **options: Any) -> CommandResult:
    return fork_server().command("mlcraft-cwl-runner", *arguments, folder=folder, **options)


def test_a_job_file(tmp_path: Path) -> None:
    outputs = run(tmp_path, "--outdir", "out", "--quiet", COUNT, JOB).json()
    assert names_and_texts(outputs) == {"count": 3, "printed": ["count.txt", "3\n"]}
    assert (tmp_path / "out" / "count.txt").stat().st_mode & 0o200, "the file is the user's own"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_inputs_as_options(tmp_path: Path) -> None:
    shutil.copy(DOCUMENTS / "count_lines" / "three_lines.txt", tmp_path / "my text.txt")
    result = run(tmp_path, COUNT, "--text", "my text.txt")
    assert result.json()["count"] == 3
    assert (tmp_path / "count.txt").exists()
    assert result.err == ""


def test_a_job_on_standard_input(tmp_path: Path) -> None:
    outputs = run(tmp_path, "--quiet", DOCUMENTS / "echo.cwl", "-", stdin=json.dumps({"word": "hi"})).json()
    assert names_and_texts(outputs) == {"echoed": ["echoed.txt", "hi\n"]}


def test_a_process_of_a_packed_document(tmp_path: Path) -> None:
    outputs = run(tmp_path, f"{DOCUMENTS / 'packed.cwl'}#shout", "--word", "hi").json()
    assert names_and_texts(outputs) == {"heard": ["shout.txt", "hi\n"]}


def test_tools_that_talk(tmp_path: Path) -> None:
    """What tools print is in the log on stderr, never on stdout."""
    (tmp_path / "talks.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: [sh, -c, 'echo aloud; echo low >&2']\n"
        "inputs: []\noutputs: []\n"
    )
    result = run(tmp_path, "--verbose", "talks.cwl")
    assert result.json() == {}
    assert "aloud" in result.err and "low" in result.err
    assert run(tmp_path, "--quiet", "talks.cwl").err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([COUNT], 1, ["input 'text' (File) of count_lines.cwl is missing"]),
        ([COUNT, "--text", "gone.txt"], 1, ["'text'", "gone.txt"]),
        ([COUNT, "gone.yml"], 1, ["there is no job file gone.yml"]),
        ([COUNT, "--wrod", "x"], 1, ["no input --wrod", "--help"]),
        (["gone.cwl"], 1, ["there is no document gone.cwl"]),
        (["--server", "http://localhost:1", "--provenance", "p", COUNT, JOB], 1, ["leave it or --server out"]),
        (["--server", "http://localhost:1", COUNT, JOB], 1, ["refers to count.cwl", "all in one file"]),
        (["--server", "localhost:1", DOCUMENTS / "echo.cwl", "--word", "x"], 1, ["'localhost:1' is no address"]),
        ([DOCUMENTS / "broken" / "misspelt_field.cwl"], 1, ["misspelt_field.cwl:3:1", "baseComand"]),
        ([DOCUMENTS / "broken" / "empty.cwl"], 1, ["empty.cwl", "empty file"]),
        ([DOCUMENTS / "broken" / "wrong_version.cwl"], 33, ["draft-3", "v1.2"]),
        ([f"{DOCUMENTS / 'packed.cwl'}#nobody"], 1, ["packed.cwl", "nobody"]),
        (
            ["--no-container", DOCUMENTS / "tools" / "needs_container.cwl"],
            33,
            ["requires the container example/image:1"],
        ),
        ([DOCUMENTS / "tools" / "exits.cwl", "--code", "5"], 1, ["exits", "failed with exit code 5", "the code is 5"]),
        ([DOCUMENTS / "tools" / "exits.cwl", "--code", "five"], 1, ["code", "INT", "'five'"]),
        (["--outdir", "/proc/nowhere", DOCUMENTS / "echo.cwl", "--word", "x"], 1, ["/proc/nowhere"]),
    ],
)
def test_mistakes(tmp_path: Path, arguments: list[Any], code: int, words: list[str]) -> None:
    result = run(tmp_path, *arguments)
    assert (result.code, result.out) == (code, ""), result.err
    assert all(word in result.err for word in words), result.err
    assert "Traceback" not in result.err


def test_an_operation_has_nothing_to_run(tmp_path: Path) -> None:
    (tmp_path / "abstract.cwl").write_text(
        "cwlVersion: v1.2\nclass: Workflow\ninputs: []\noutputs: []\n"
        "steps: {plan: {in: [], out: [], run: {class: Operation, inputs: [], outputs: []}}}\n"
    )
    result = run(tmp_path, "abstract.cwl")
    assert (result.code, result.out) == (33, "")
    assert "plan is an abstract Operation" in result.err


def test_success_codes(tmp_path: Path) -> None:
    assert run(tmp_path, DOCUMENTS / "tools" / "exits.cwl", "--code", "3").code == 0


def test_help_before_and_after_the_document(tmp_path: Path) -> None:
    ours = run(tmp_path, "--help")
    assert ours.code == 0 and "--outdir" in ours.out and "--no-container" in ours.out
    theirs = run(tmp_path, DOCUMENTS / "echo.cwl", "--help")
    assert theirs.code == 0
    assert "--word STRING" in theirs.out and "Writes a word into a file." in theirs.out
    assert "--outdir" not in theirs.out


def test_version(tmp_path: Path) -> None:
    result = run(tmp_path, "--version")
    assert (result.code, result.out) == (0, f"mlcraft-cwl-runner {__version__}\n")


def test_without_a_document(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.code == 2 and "usage" in result.err and result.out == ""


def test_a_cold_start_without_a_node_on_the_path(tmp_path: Path) -> None:
    """A process of its own, as a user starts it, with nothing but a shell's tools to be found."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "wc", "cat"):
        (tools / name).symlink_to(shutil.which(name) or "")
    environment = {
        **os.environ,
        "PATH": str(tools),
        "PYTHONPATH": str(PROJECT),
        "MLCRAFT_HOME": str(fork_server().root / "home"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "airflow_mlcraft.cli.cwl_runner", "--no-container", str(COUNT), str(JOB)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["count"] == 3
    assert done.stderr == ""


def test_composer_hears_of_the_steps(tmp_path: Path) -> None:
    """The options come in Composer's order."""
    result = run(tmp_path, "--enable-composer-logs", COUNT, JOB, "--outdir", "out")
    assert result.json()["count"] == 3
    lines = [json.loads(line.partition(": ")[2]) for line in result.err.splitlines() if line.startswith("Composer: ")]
    assert [(line["stepId"], line["status"]) for line in lines] == [
        ("root.count", "READY"),
        ("root.count", "COMPLETED"),
        ("root.read", "READY"),
        ("root.read", "COMPLETED"),
    ]
    assert (tmp_path / "out" / "count.txt").is_file()
