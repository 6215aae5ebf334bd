"""`mlcraft composer-executor install`: a jar that knows its runner."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.runner.jar.jar import runner_path
from tests.operators.embedded import CommandResult, fork_server


def install(folder: Path, *arguments: str | Path, **options: Any) -> CommandResult:
    return fork_server().command("mlcraft", "composer-executor", "install", *arguments, folder=folder, **options)


def command_of(jar: Path) -> list[str]:
    with zipfile.ZipFile(jar) as archive:
        return archive.read("command").decode().splitlines()


def test_into_a_folder_and_a_file(tmp_path: Path) -> None:
    result = install(tmp_path, ".")
    assert result.code == 0, result.err
    assert f"custom executor: {tmp_path / 'mlcraft-executor.jar'}" in result.err
    assert install(tmp_path, "new/other.jar").code == 0
    assert command_of(tmp_path / "mlcraft-executor.jar") == [str(runner_path())]
    assert (tmp_path / "new" / "other.jar").read_bytes() == (tmp_path / "mlcraft-executor.jar").read_bytes()


def test_another_runner_and_a_server(tmp_path: Path) -> None:
    (tmp_path / "runner").touch()
    (tmp_path / "login.env").touch()
    words = ["--runner", "runner", "--server", "http://localhost:8080", "--login", "login.env"]
    assert install(tmp_path, "a.jar", *words).code == 0
    assert command_of(tmp_path / "a.jar") == [
        str(tmp_path / "runner"),
        *("--server", "http://localhost:8080", "--login", str(tmp_path / "login.env")),
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--runner", "gone"], "there is no file gone"),
        (["--server", "http://localhost", "--login", "gone"], "there is no file gone"),
        (["--login", "gone"], "--login is for a server; name it with --server"),
    ],
)
def test_mistakes(tmp_path: Path, words: list[str], sentence: str) -> None:
    result = install(tmp_path, "a.jar", *words)
    assert result.code == 1 and sentence in result.err
    assert not (tmp_path / "a.jar").exists()
