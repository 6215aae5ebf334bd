"""The last tasks of a run: the output folder, and the versions of the run's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.operators.run_outputs import CwlOutputsOperator
from tests.operators.embedded import DOCUMENTS, DagRunResult, fork_server
from tests.versioning.repositories import dvc, git, repository

UP_TO_DATE = "Data and pipelines are up to date.\n"


@pytest.mark.parametrize("name", ["..", ".", "../..", "/etc", "a/../../b", "a" * 300])
def test_names_of_dags_and_runs_do_not_lead_out_of_the_output_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__OUTPUTS", f"{tmp_path}/{{{{ dag_id }}}}/{{{{ run_id }}}}")
    task = CwlOutputsOperator(task_id="outputs", plan="", base="", document="")
    for dag_id, run_id in ((name, "run"), ("dag", name), (name, name)):
        folder = task._output_folder(dag_id, run_id)
        assert folder.resolve().parent.parent == tmp_path
        assert folder.relative_to(tmp_path).parts == folder.resolve().relative_to(tmp_path).parts


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "iris")


def run(repo: Path, document: str | Path = "versioned.cwl", job: Any = None, **settings: str) -> DagRunResult:
    settings = {"data_repo": str(repo), **settings}
    return fork_server().run(
        repo.parent / "run", document, job, settings=settings, xcom=["version_data"], asset_events=True
    )


def test_all_data_that_hints_name_is_versioned(repo: Path) -> None:
    (repo.parent / "given.txt").write_text("given\n")
    ran = run(repo, job={"given": {"class": "File", "path": str(repo.parent / "given.txt")}})
    ran.ok()
    summary = ran.xcom["version_data"]
    assert summary["repository"] == "iris"
    assert summary["commit"] == git(repo, "rev-parse", "HEAD")
    assert {path: item["changed"] for path, item in summary["data"].items()} == {
        "data/given.txt": True,
        "data/packed": True,
        "data/table.csv": True,
        "words": True,
    }
    assert summary["data"]["data/table.csv"] == {"md5": "b1946ac92492d2347c6235b4d2611184", "size": 6, "changed": True}
    assert (repo / "data" / "given.txt").read_text() == "given\n"
    assert (repo / "data" / "packed" / "deep" / "b.txt").read_text() == "deep\n"
    words = {path.name: path.read_text() for path in (repo / "words").iterdir()}
    assert words == {"word.txt": "one\n", "word_2.txt": "two\n"}
    assert dvc(repo, "status") == UP_TO_DATE
    assert git(repo, "status", "--porcelain") == ""
    message = git(repo, "log", "-1", "--format=%B")
    assert "DAG: versioned\nRun: manual__" in message
    assert "Document: versioned.cwl" in message
    assert list(ran.states)[-1] == "version_data", "after the outputs"


def test_only_changed_data_gets_a_commit(repo: Path) -> None:
    first = run(repo)
    again = run(repo)
    third = run(repo, job={"text": "bye"})
    assert not any(item["changed"] for item in again.xcom["version_data"]["data"].values())
    assert again.xcom["version_data"]["commit"] == first.xcom["version_data"]["commit"]
    changed = [path for path, item in third.xcom["version_data"]["data"].items() if item["changed"]]
    assert changed == ["data/packed", "data/table.csv"]
    assert "has not changed" in again.log("version_data")
    assert git(repo, "rev-list", "--count", "HEAD") == "3"


def test_changed_data_has_asset_events(repo: Path) -> None:
    first = run(repo)
    events = dict(first.events)
    assert sorted(events) == ["dvc://iris/data/packed", "dvc://iris/data/table.csv", "dvc://iris/words"]
    table = events["dvc://iris/data/table.csv"]
    assert table["md5"] == "b1946ac92492d2347c6235b4d2611184"
    assert table["commit"] == first.xcom["version_data"]["commit"]
    assert run(repo).events == []


def test_a_remote_that_refuses_the_data(repo: Path) -> None:
    remote = repo.parent / "remote"
    remote.write_text("in the way")
    dvc(repo, "remote", "add", "--quiet", "--default", "there", str(remote))
    git(repo, "commit", "--quiet", "-am", "Have a remote")
    red = run(repo, push_failures="fail")
    assert red.state == "failed"
    assert "version_data: the data could not be pushed to the DVC remote there" in red.error_messages()
    green = run(repo)
    assert green.state == "success"
    assert "the data could not be pushed" in green.xcom["version_data"]["refused"]
    assert dvc(repo, "status") == UP_TO_DATE
    remote.unlink()
    assert run(repo).xcom["version_data"]["pushed"] == 6
    assert "in sync" in dvc(repo, "status", "--cloud")


def test_a_document_outside_of_a_repository_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "versioned.cwl").write_text((DOCUMENTS / "versioned.cwl").read_text())
    ran = fork_server().run(tmp_path / "run", folder / "versioned.cwl")
    assert ran.state == "failed"
    assert "git init && dvc init" in ran.error_messages()
    assert "[mlcraft] data_repo" in ran.error_messages()


def test_the_repository_of_the_document_is_the_default(repo: Path) -> None:
    (repo / "cwl").mkdir()
    (repo / "cwl" / "versioned.cwl").write_text((DOCUMENTS / "versioned.cwl").read_text())
    run(repo, repo / "cwl" / "versioned.cwl", data_repo="").ok()
    assert (repo / "data" / "table.csv").read_text() == "hello\n"


def test_a_wrong_hint_is_an_error_of_the_document(repo: Path, tmp_path: Path) -> None:
    document = tmp_path / "wrong.cwl"
    document.write_text((DOCUMENTS / "versioned.cwl").read_text().replace("output: packed", "output: gone"))
    ran = run(repo, document)
    assert ran.state == "refused"
    assert (
        "hint mlcraft:Data of pack names the output gone, which is none of its outputs (packed)" in ran.error_messages()
    )


def test_the_items_of_a_scattered_workflow_are_one_folder(repo: Path, tmp_path: Path) -> None:
    document = tmp_path / "outer.cwl"
    document.write_text(
        f"""\
cwlVersion: v1.0
class: Workflow
requirements: [{{class: ScatterFeatureRequirement}}, {{class: SubworkflowFeatureRequirement}}]
inputs: {{texts: {{type: "string[]", default: [a, b, c]}}}}
outputs: []
steps:
  sub:
    run:
      class: Workflow
      $namespaces: {{mlcraft: "https://mlcraft.dev/cwl#"}}
      inputs: {{text: string}}
      outputs: []
      steps:
        write:
          run: {DOCUMENTS / "echo.cwl"}
          in: {{word: text}}
          out: [echoed]
          hints: [{{class: "https://mlcraft.dev/cwl#Data", outputs: [{{output: echoed, to: items}}]}}]
    scatter: text
    in: {{text: texts}}
    out: []
"""
    )
    run(repo, document).ok()
    assert sorted(path.read_text() for path in (repo / "items").iterdir()) == ["a\n", "b\n", "c\n"]
