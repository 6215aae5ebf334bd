"""The documents of a project: good CWL in Composer's form, in step with mlcraft.toml, and DAGs at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from airflow_mlcraft.cwl.check import check_documents
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import manifest
from airflow_mlcraft.project.documents import sync
from airflow_mlcraft.project.places import Project
from tests.project.projects import Workplace


def test_they_are_good(project: Project) -> None:
    checked = list(check_documents([str(project.folder)]))
    assert [one.document for one in checked if one.error] == []
    assert len(checked) == 8


def test_they_are_in_the_form_of_composer(project: Project) -> None:
    for path in (project.workflow, project.tuned_workflow):
        document = YAML(typ="safe").load(path)
        assert document["cwlVersion"] == "v1.0"
        for part in ("inputs", "outputs", "steps", "hints", "requirements"):
            assert isinstance(document[part], list)
        for port in (*document["inputs"], *document["outputs"], *document["steps"]):
            assert isinstance(port["sbg:x"], int)
            assert isinstance(port["sbg:y"], int)


def test_they_follow_mlcraft_toml(project: Project) -> None:
    manifest.change(project, {"data.target": "kind", "evaluate.minimum": 0.8, "train.models": ["svm"]})
    assert [path.name for path in sync(project, manifest.read(project))] == ["workflow.cwl", "tuned.cwl"]
    inputs = {port["id"]: port.get("default") for port in YAML(typ="safe").load(project.workflow)["inputs"]}
    assert (inputs["target"], inputs["minimum"], inputs["models"], inputs["params"]) == ("kind", 0.8, ["svm"], ["{}"])
    assert sync(project, manifest.read(project)) == []


def test_what_the_user_did_to_them_stays(project: Project) -> None:
    text = project.workflow.read_text().replace("sbg:x: 900", "sbg:x: 950  # moved")
    project.workflow.write_text(text + "- class: InlineJavascriptRequirement\n")
    manifest.change(project, {"title": "Flowers"})
    sync(project, manifest.read(project))
    after = project.workflow.read_text()
    assert "sbg:x: 950  # moved" in after
    assert after.endswith("- class: InlineJavascriptRequirement\n")
    assert "label: Flowers\n" in after


@pytest.mark.parametrize(("text", "sentence"), [("a: [", "cannot be read"), ("- 1", "is no CWL document")])
def test_a_broken_one(project: Project, text: str, sentence: str) -> None:
    project.workflow.write_text(text)
    with pytest.raises(ProjectError, match=sentence):
        sync(project, manifest.read(project))


def test_the_folder_of_projects_is_imported_as_dags(project: Project, tmp_path: Path) -> None:
    said = Workplace(tmp_path).mlcraft("cwl", "import", project.folder.parent, "--json")
    found = {entry["dag_id"]: entry["error"] for entry in said.json()}
    assert found["iris.workflow"] is None
    assert found["iris.tuned"] is None
    assert set(found.values()) == {None}
