"""`init`, `list`, `config`, `delete` and `doctor`, as a user types them."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from airflow_mlcraft.project import manifest
from tests.project.projects import Workspace, processes_of

SHY = "do-not-show-me"


def run_with_file_limit(workspace: Workspace, size: int, *words: str) -> tuple[int, str, str]:
    """A limit of file sizes is met at the same places as the end of a disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    # Python would keep halves of what it compiles.
    process = workspace.start(*words, environment={"PYTHONDONTWRITEBYTECODE": "1"}, preexec_fn=limit)
    out, err = process.communicate()
    # What sends to MLflow has the same limit, and would wait for a disk with more room.
    for pid in processes_of(workspace.folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    return process.returncode, out, err


def test_init(workspace: Workspace) -> None:
    result = workspace.mlcraft("init", "cars", "-p", "regression")
    assert result.code == 0, result.err
    assert result.out.splitlines() == [
        f"✓ cars is in {workspace.project('cars').folder}",
        "Next: mlcraft train cars trains its models, and finds the best.",
    ]
    assert result.err == ""


def test_init_from_a_source(workspace: Workspace) -> None:
    (workspace.folder / "x.csv").write_text("a,b\n1,2\n")
    result = workspace.mlcraft("init", "cars", "-p", "regression", "--from", "x.csv")
    assert "target is 'b', the last column" in result.out
    assert manifest.read_manifest(workspace.project("cars")).sources == ("../../x.csv",)
    given = workspace.mlcraft("init", "two", "-p", "regression", "--from", "x.csv", "--target", "b", "--json").json()
    assert {name: given[name] for name in ("project", "folder", "prediction", "target")} == {
        "project": "two",
        "folder": str(workspace.project("two").folder),
        "prediction": "regression",
        "target": "b",
    }
    assert given["profile"]["columns"]["b"]["type"] == "integer"


def test_init_proposes_from_the_data(workspace: Workspace) -> None:
    rows = [f"{row // 6},{2000 + row % 6},{row % 7},{'yes' if row % 50 == 3 else 'no'}" for row in range(600)]
    (workspace.folder / "visits.csv").write_text("\n".join(["patient_id,year,dose,relapse", *rows]))
    result = workspace.mlcraft("init", "visits", "--from", "visits.csv", "--yes")
    assert result.code == 0, result.err
    assert "600 rows, 4 columns" in result.out
    for sentence in (
        "target is 'relapse', the last column",
        "prediction is classification: it has 2 different values: 'no', 'yes'",
        "12 of 600 rows (2.0%) are of the class 'yes', and always saying another has an accuracy of 0.980",
        "patient_id has 100 values over 600 rows: rows of one patient on both sides of the split make scores too good",
    ):
        assert sentence in result.out
    found = manifest.read_manifest(workspace.project("visits"))
    assert (found.target, found.prediction, found.group, found.positive) == (
        "relapse",
        "classification",
        "patient_id",
        "yes",
    )
    assert found.metric not in ("acc", "")
    text = workspace.project("visits").manifest.read_text()
    assert 'group = "patient_id"  # rows with the same value' in text
    assert "# group" not in text
    command_result = workspace.mlcraft("init", "again", "--from", "visits.csv", "--json").json()
    assert (command_result["data.group"], command_result["profile"]["rows"]) == ("patient_id", 600)
    assert any("rows of one patient" in note for note in command_result["notes"])


def test_init_from_what_cannot_be_read(workspace: Workspace) -> None:
    result = workspace.mlcraft("init", "cars", "--from", "nothing.csv")
    assert result.code == 1
    assert "it is not said what is to be predicted, and" in result.err
    assert "nothing.csv" in result.err
    result = workspace.mlcraft("init", "cars", "-p", "regression", "--from", "nothing.csv")
    assert result.code == 0, result.err
    assert "! The data could not be looked at:" in result.out
    assert "Next: mlcraft config cars --target COLUMN names the column to predict." in result.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["2x", "-p", "regression"], "'2x' cannot be the name of a project: expected a letter"),
        (["x"], "it is not said what is to be predicted; add -p classification or -p regression"),
        (["x", "-p", "guess"], "there is no prediction type 'guess'; expected classification or regression"),
    ],
)
def test_init_refuses(workspace: Workspace, arguments: list[str], sentence: str) -> None:
    result = workspace.mlcraft("init", *arguments)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("mlcraft: ")
    assert sentence in result.err
    assert not workspace.projects.all()


def test_init_of_a_taken_name(trained: Workspace) -> None:
    result = trained.mlcraft("init", "iris", "-p", "regression")
    assert result.code == 1
    assert "is there already; choose another name" in result.err


def test_a_full_disk(workspace: Workspace) -> None:
    code, out, err = run_with_file_limit(workspace, 3000, "init", "iris", "-p", "classification")
    assert (code, out) == (1, "")
    assert "cannot be written: File too large" in err
    assert "Traceback" not in err
    assert [path for path in workspace.projects.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (900, ["config", "iris", "-t", "New"]),
        (900, ["predict", "iris", "data/test.parquet", "--out", "out.csv"]),
        (900, ["run", "iris", "--detach"]),
        (900_000, ["train", "iris", "-m", "naive_bayes", "--set", "seed=9"]),
    ],
)
def test_a_disk_that_is_full_later(trained_copy: Workspace, size: int, words: list[str]) -> None:
    code, out, err = run_with_file_limit(trained_copy, size, *words)
    assert (code, "Traceback" in out + err) == (1, False), err
    assert "File too large" in err or "disk I/O error" in err or "disk is full" in err
    assert trained_copy.mlcraft("config", "iris", "--json").json()["title"] == "Iris"
    assert trained_copy.mlcraft("status", "iris").code == 3
    assert not (trained_copy.folder / "out.csv").exists()
    assert trained_copy.mlcraft("predict", "iris", "data/test.parquet").code == 0


def test_config_shows_what_is_set(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("config", "iris")
    assert "{" not in result.out, "a table of mlcraft.toml as Python has it"
    assert f"folder      {trained_copy.project().folder}" in result.out
    assert trained_copy.mlcraft("config", "iris", "--impute", "age=mean", "size=zero", "--no-stratify").code == 0
    assert "impute      age = mean; size = zero" in trained_copy.mlcraft("config", "iris").out
    assert (
        "--impute age: expected one way" in trained_copy.mlcraft("config", "iris", "--impute", "age", "size=zero").err
    )


def test_list(trained: Workspace) -> None:
    result = trained.mlcraft("list")
    heads, row = (line.split() for line in result.out.splitlines())
    assert heads == ["project", "type", "last", "run", "champion", "score", "server"]
    assert row[:2] == ["iris", "classification"]
    assert row[-3] == "acc"
    assert row[-1] == "stopped"
    (found,) = trained.mlcraft("list", "--json").json()
    assert found["champion"]["model"] in ("naive_bayes", "decision_tree")
    assert 0.8 < found["champion"]["score"] <= 1
    assert found["last_state"] == "success"


def test_list_of_nothing(workspace: Workspace) -> None:
    result = workspace.mlcraft("list")
    assert "There is no project in" in result.out
    assert "Next: mlcraft init NAME -p classification makes one." in result.out
    assert workspace.mlcraft("list", "--json").json() == []


def test_list_of_a_broken_one(trained_copy: Workspace) -> None:
    trained_copy.project().manifest.write_text("title = ")
    result = trained_copy.mlcraft("list")
    assert result.code == 0
    assert "is not TOML" in result.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["config", "roses"],
        ["delete", "roses"],
        ["impl", "roses", "model"],
        ["train", "roses"],
        ["evaluate", "roses"],
        ["run", "roses"],
        ["stop", "roses"],
        ["status", "roses"],
        ["logs", "roses"],
        ["predict", "roses", "x.csv"],
        ["history", "roses"],
        ["compare", "roses"],
    ],
)
def test_no_such_project(trained: Workspace, arguments: list[str]) -> None:
    result = trained.mlcraft(*arguments)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"mlcraft: there is no project 'roses' in {trained.projects.root}; there are iris\n"


def test_another_folder_of_projects(trained: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path)
    assert len(other.mlcraft("list", "--json", "--projects", trained.projects.root).json()) == 1
    assert len(other.mlcraft("list", "--json", MLCRAFT_PROJECTS=str(trained.projects.root)).json()) == 1


def test_config_changes_and_shows(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("config", "iris", "-t", "Flowers", "--metric", "f1", "--source", "a.csv", "b.csv")
    assert result.code == 0, result.err
    assert "✓ title is Flowers" in result.out
    assert "✓ data.sources is a.csv, b.csv" in result.out
    assert "✓ workflow.cwl follows" in result.out
    assert "Next: mlcraft train iris trains with it." in result.out
    found = trained_copy.mlcraft("config", "iris", "--json").json()
    assert (found["title"], found["metric"], found["sources"]) == ("Flowers", "f1", ["a.csv", "b.csv"])
    assert "Flowers" in trained_copy.mlcraft("config", "iris").out
    assert trained_copy.mlcraft("config", "iris", "-t", "Flowers", "--json").json()["done"] == ["title is Flowers"]


def test_config_of_another_type(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("config", "iris", "-p", "regression")
    assert "the old one is kept as classification_model.py" in result.out
    assert trained_copy.mlcraft("config", "iris", "--metric", "acc").code == 1


def test_a_key_is_never_shown(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("config", "iris", "--key", "DATA_KEY", stdin=f"{SHY}\n")
    assert result.code == 0, result.err
    secrets = trained_copy.project().secrets
    assert SHY in secrets.read_text()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    shown = [trained_copy.mlcraft(*words) for words in (("config", "iris"), ("config", "iris", "--json"), ("doctor",))]
    for one in (result, *shown):
        assert SHY not in one.out + one.err
    assert "DATA_KEY" in shown[0].out


def test_a_key_with_a_bad_name_is_not_asked_for(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("config", "iris", "--key", "lower")
    assert (result.code, result.out) == (1, "")
    assert "'lower' cannot be the name of a key" in result.err


def test_config_without_a_network(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("config", "iris", "-d", "xgboost==0.0.1", UV_OFFLINE="1")
    assert result.code == 1
    assert "the requirements xgboost==0.0.1 cannot be installed" in result.err
    assert (
        "xgboost" not in trained_copy.project().requirements.read_text() + trained_copy.project().manifest.read_text()
    )


def test_delete_asks(trained_copy: Workspace) -> None:
    result = trained_copy.mlcraft("delete", "iris")
    assert result.code == 1
    assert "iris is only deleted when you say so; mlcraft delete iris --yes" in result.err
    assert trained_copy.project().manifest.is_file()


def test_delete(trained_copy: Workspace) -> None:
    trained_copy.mlcraft("config", "iris", "--remote", trained_copy.folder / "remote")
    result = trained_copy.mlcraft("delete", "iris", "--yes", "--json")
    found = result.json()
    assert found["deleted"] == str(trained_copy.project().folder)
    assert f"the runs and models in MLflow ({trained_copy.projects.tracking_folder / 'mlflow.db'})" in found["kept"]
    assert f"the data in the DVC remote ({trained_copy.folder / 'remote'})" in found["kept"]
    assert not trained_copy.project().folder.exists()
    assert (trained_copy.projects.tracking_folder / "mlflow.db").is_file()
    assert trained_copy.mlcraft("list", "--json").json() == []


def test_doctor(trained_copy: Workspace) -> None:
    found = {one["what"]: one for one in json.loads(trained_copy.mlcraft("doctor", "--json").out)}
    assert {
        "Python",
        "packages",
        "versions",
        "libraries",
        "git",
        "projects",
        "embedded Airflow",
        "uv",
        "editor",
        "Docker",
        "iris",
    } <= set(found)
    assert found["iris"]["state"] == "good"
    assert "airflow" in found["packages"]["found"]
    assert found["versions"]["state"] == "good"
    assert found["libraries"]["state"] == "good"


def test_doctor_finds_what_is_wrong(trained_copy: Workspace) -> None:
    project = trained_copy.project()
    trained_copy.mlcraft("config", "iris", "--source", "lost.csv", "--key", "A_KEY", stdin="x\n")
    project.secrets.write_text("")
    project.secrets.chmod(0o644)
    (project.folder / "model.py").unlink()
    result = trained_copy.mlcraft("doctor", EDITOR="no-such-editor")
    assert result.code == 1
    for text in (
        ".env can be read by others",
        f"→ chmod 600 {project.secrets}",
        ".env has no A_KEY",
        "→ mlcraft config iris --key A_KEY",
        "model.py missing",
        "there is no lost.csv",
        "no-such-editor not found",
    ):
        assert text in result.out, text


def test_doctor_names_versions_that_do_not_fit(workspace: Workspace, tmp_path: Path) -> None:
    metadata = tmp_path / "newer" / "fastapi-0.165.0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: fastapi\nVersion: 0.165.0\n")
    process = workspace.start("doctor", environment={"PYTHONPATH": str(tmp_path / "newer")})
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    text = " ".join(out.split())
    assert "✗ versions fastapi 0.165.0 breaks fastapi<0.137" in text
    assert "of airflow-provider-mlcraft" in text
    assert "pip install --upgrade --upgrade-strategy eager airflow-provider-mlcraft" in text


def test_doctor_of_a_broken_document(trained_copy: Workspace) -> None:
    trained_copy.project().workflow.write_text("cwlVersion: v1.0\nclass: Workflow\n")
    result = trained_copy.mlcraft("doctor")
    assert result.code == 1
    assert "workflow.cwl" in result.out
    assert "mend the file; git has earlier versions of it" in result.out
