"""What all verbs have: help at once, JSON, completion, exit codes, and lists of values."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
import typer
from typer.main import get_command

from airflow_mlcraft.cli.main import VERBS, app
from airflow_mlcraft.cli.options import ListOptionCommand, split_values
from tests.project.projects import Workspace

NAMES = [name for name, _, _ in VERBS]


@pytest.mark.parametrize("verb", NAMES)
def test_help_and_json(workspace: Workspace, verb: str) -> None:
    result = workspace.mlcraft(verb, "--help")
    assert result.code == 0
    assert "--json" in result.out
    assert "--help" in result.out


def test_all_verbs_are_there() -> None:
    wanted = "list init delete config impl train evaluate run stop status logs predict trace reproduce history compare"
    assert {*wanted.split(), "doctor"} <= set(NAMES)
    command = get_command(app)
    assert set(NAMES) <= set(command.commands)  # type: ignore[attr-defined]


def test_haj_is_the_same_command() -> None:
    scripts = {script.name: script.value for script in entry_points(group="console_scripts")}
    assert scripts["haj"] == scripts["mlcraft"] == "airflow_mlcraft.cli.entry:mlcraft"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"], ["list"]])
def test_nothing_heavy_is_loaded_for_it(workspace: Workspace, arguments: list[str]) -> None:
    heavy = ("airflow", "mlflow", "dvc", "cwltool", "pandas", "sklearn", "docker", "boto3")
    code = (
        "import sys\nfrom airflow_mlcraft.cli.main import main\n"
        f"sys.argv = ['mlcraft', *{arguments!r}]\n"
        "try:\n    main()\nfinally:\n"
        f"    print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
    )
    workspace.folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=workspace.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "[]"


def test_wrong_options(workspace: Workspace) -> None:
    for words in (["train"], ["train", "iris", "--nonsense"], ["nonsense"], ["train", "iris", "--tune", "x"]):
        result = workspace.mlcraft(*words)
        assert (result.code, result.out) == (2, ""), words
        assert "Error" in result.err


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("mlcraft train i", "iris"),
        ("mlcraft eval", "evaluate"),
        ("mlcraft impl iris proc", "processor"),
        ("mlcraft evaluate iris roc", "roc_auc"),
        ("mlcraft train iris -m random", "random_forest"),
        ("mlcraft config iris --dags", "--dagshub"),
    ],
)
def test_completion(trained: Workspace, line: str, whole: str) -> None:
    last = str(len(line.split()) - 1)
    result = trained.mlcraft(_MLCRAFT_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=last)
    assert result.out.split() == [whole]


def test_lists_of_values() -> None:
    found: list[list[str]] = []
    lists = typer.Typer()

    @lists.command(cls=ListOptionCommand)
    def verb(name: str, models: list[str] = typer.Option([], "-m", "--model"), flag: bool = False) -> None:  # noqa: B008
        found.append([name, *models, str(flag)])

    command = get_command(lists)
    for words in ("x -m a b --flag", "x -m a -m b --flag", "--flag x --model a b", "x --flag"):
        command.main(words.split(), standalone_mode=False)
    assert found == [["x", "a", "b", "True"]] * 3 + [["x", "True"]]
    assert split_values(["a,b", " c "]) == ["a", "b", "c"]
    assert split_values(None) == []
