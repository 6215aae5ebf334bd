"""Another name for a project, and another project like it."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_mlcraft.cwl.check import check_documents
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project import manifest
from airflow_mlcraft.project.copy_project import copy_project
from airflow_mlcraft.project.project_paths import Project, projects_of
from airflow_mlcraft.project.rename import rename_project
from airflow_mlcraft.project.run_records import RunRecord, load_records, write_record
from tests.project.projects import Workspace


def texts(project: Project) -> str:
    paths = [project.manifest, project.workflow, project.tuned_workflow, *project.tools.glob("*.cwl")]
    return "".join(path.read_text() for path in paths)


def errors(project: Project) -> list[object]:
    return [one.error for one in check_documents([str(project.folder)]) if one.error]


def renamed(project: Project, name: str) -> str:
    """Rename in a process that has not loaded Airflow with another home; returns the sentences about it."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom airflow_mlcraft.project.project_paths import Project\n"
        "from airflow_mlcraft.project.rename import rename_project\n"
        "print(rename_project(Project(Path(sys.argv[1])), sys.argv[2]))\n"
    )
    words = [sys.executable, "-c", code, str(project.folder), name]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_rename(project: Project) -> None:
    manifest.change_manifest(project, {"data.sources": ["data/rows.csv"]})
    model = str(project.runs / "train_1" / "model")
    write_record(
        project,
        RunRecord("train_1", "train", "2026-01-01T00:00:00", 1.0, "success", "acc", outputs={"models": [model]}),
    )
    done = renamed(project, "flowers")
    new = Project(project.folder.with_name("flowers"))
    assert not project.folder.exists()
    assert "title is Flowers" in done
    assert "iris" not in texts(new).replace("sklearn:iris", "")
    assert str(new.folder / "data" / "rows.csv") in new.workflow.read_text()
    (record,) = load_records(new)
    assert record.outputs["models"] == [str(new.runs / "train_1" / "model")]
    assert record.dag == "iris"
    assert errors(new) == []


def test_a_title_of_the_users_stays(project: Project) -> None:
    manifest.change_manifest(project, {"title": "My plants"})
    renamed(project, "flowers")
    assert manifest.read_manifest(Project(project.folder.with_name("flowers"))).title == "My plants"


@pytest.mark.parametrize(
    ("name", "sentence"), [("2x", "cannot be the name of a project"), ("iris", "is there already")]
)
def test_names_that_cannot_be(project: Project, name: str, sentence: str) -> None:
    before = texts(project)
    for verb in (rename_project, copy_project):
        with pytest.raises(MlcraftError, match=sentence):
            verb(project, name)
    assert texts(project) == before


def test_copy(project: Project) -> None:
    (project.folder / "helpers.py").write_text("LIMIT = 3\n")
    (project.folder / "data" / "rows.csv").write_text("a,b\n1,2\n")
    (project.folder / "data" / "retrieved").write_text("much")
    project.secrets.write_text("KEY=1\n")
    manifest.change_manifest(project, {"data.sources": ["data/rows.csv"], "data.group": "a"})
    write_record(project, RunRecord("train_1", "train", "2026-01-01T00:00:00", 1.0, "success", "acc"))
    made = copy_project(project, "plants")
    assert (made.folder / "helpers.py").read_text() == "LIMIT = 3\n"
    assert made.secrets.read_text() == "KEY=1\n"
    assert stat.S_IMODE(made.secrets.stat().st_mode) == 0o600
    assert sorted(path.name for path in (made.folder / "data").iterdir()) == [".gitkeep", "rows.csv"]
    assert load_records(made) == []
    found = manifest.read_manifest(made)
    assert (found.title, found.group) == ("Plants", "a")
    assert "iris" not in texts(made)
    assert errors(made) == []
    output = subprocess.run(["git", "status", "--short"], cwd=made.folder, capture_output=True, text=True, check=True)
    assert output.stdout == ""
    assert [one.name for one in projects_of(made).all()] == ["iris", "plants"]


def test_a_renamed_project_goes_on(trained: Workspace, tmp_path: Path) -> None:
    for _ in range(60):
        # The model is in the registry before the database is copied.
        if trained.mlcraft("trace", "iris").code == 0:
            break
        time.sleep(1)
    place = trained.copy(tmp_path)
    result = place.mlcraft("rename", "iris", "flowers")
    assert result.code == 0, result.err
    assert "the registered model 'iris' is called 'flowers'" in result.out
    assert place.mlcraft("trace", "flowers").code == 0
    found = place.mlcraft("reproduce", "flowers")
    assert found.code == 0, found.err
    assert "of iris train_" in found.out or "as in iris train_" in found.out
    run = place.mlcraft("evaluate", "flowers", "f1", "--json").json()
    assert run["state"] == "success", run
    copied = place.mlcraft("copy", "flowers", "plants", "--json").json()
    assert copied["copy_of"] == "flowers"
    assert json.loads(json.dumps(copied))["folder"].endswith("plants")
