"""The documents of a project: good CWL in Composer's form, in step with mlcraft.toml, and DAGs at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.check import check_documents
from airflow_mlcraft.errors import ProjectError, RefusedError
from airflow_mlcraft.ml.estimators import ESTIMATORS
from airflow_mlcraft.operators.permissions import build_permissions
from airflow_mlcraft.project import manifest
from airflow_mlcraft.project.documents import sync_documents
from airflow_mlcraft.project.project_paths import Project
from tests.project.projects import Workspace


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
    manifest.change_manifest(project, {"data.target": "kind", "evaluate.minimum": 0.8, "train.models": ["svm"]})
    assert [path.name for path in sync_documents(project, manifest.read_manifest(project))] == [
        "workflow.cwl",
        "tuned.cwl",
    ]
    inputs = {port["id"]: port.get("default") for port in YAML(typ="safe").load(project.workflow)["inputs"]}
    assert (inputs["target"], inputs["minimum"], inputs["models"], inputs["params"]) == ("kind", 0.8, ["svm"], ["{}"])
    assert sync_documents(project, manifest.read_manifest(project)) == []


def test_a_metric_that_the_data_choose(project: Project) -> None:
    """A project begins without one, and documents of an earlier version, which had one, follow."""

    def port() -> dict[str, Any]:
        sync_documents(project, manifest.read_manifest(project))
        found: dict[str, Any] = next(
            one for one in YAML(typ="safe").load(project.workflow)["inputs"] if one["id"] == "metric"
        )
        return found

    assert manifest.read_manifest(project).metric == ""
    document = YAML(typ="safe").load(project.workflow)
    next(one for one in document["inputs"] if one["id"] == "metric").update({"type": "string", "default": "acc"})
    with project.workflow.open("w") as file:
        YAML().dump(document, file)
    assert (port()["type"], port().get("default")) == ("string?", None)
    manifest.change_manifest(project, {"evaluate.metric": "F1-score"})
    assert port()["default"] == "f1", "by the name that the form offers"
    assert [one.document for one in check_documents([str(project.folder)]) if one.error] == []


def test_choices_of_models_and_metrics(project: Project) -> None:
    """In documents of an earlier version as well. What `estimators` gives is not known where it is no plain table."""

    def chosen(port: str) -> list[str] | None:
        sync_documents(project, manifest.read_manifest(project))
        found = next(one for one in YAML(typ="safe").load(project.workflow)["inputs"] if one["id"] == port)
        choices: list[str] | None = found.get("mlcraft:choices")
        return choices

    document = YAML(typ="safe").load(project.workflow)
    for port in document["inputs"]:
        port.pop("mlcraft:choices", None)
    with project.workflow.open("w") as file:
        YAML().dump(document, file)
    assert chosen("models") == ["model", *ESTIMATORS["classification"]]
    assert {"acc", "pr_auc", "accuracy"} <= set(chosen("metric") or ())
    assert "rmse" not in (chosen("metric") or ())
    (project.folder / "model.py").write_text("def estimators():\n    return {'mine': 1, 'yours': 2}\n")
    assert (chosen("models") or [])[:3] == ["mine", "yours", "logistic_regression"]
    (project.folder / "model.py").write_text("def estimators():\n    return dict(MORE)\n")
    assert chosen("models") is None
    assert [one.document for one in check_documents([str(project.folder)]) if one.error] == []


SPLIT = {
    "data.id": "row",
    "data.stratify": True,
    "data.group": "person",
    "data.time": "day",
    "data.drop": ["name", "note"],
    "data.impute": {"age": "mean"},
    "data.positive": "yes",
}


def _without(path: Path, names: set[str], step: str = "") -> None:
    """The document as an earlier version had it, without inputs of these names."""
    yaml = YAML()
    document = yaml.load(path)
    document["inputs"] = [port for port in document["inputs"] if port["id"] not in names]
    for one in document.get("steps", ()):
        one["in"] = [port for port in one["in"] if one["id"] != step or port["id"] not in names]
    yaml.dump(document, path)


@pytest.mark.parametrize("earlier", [False, True])
def test_how_rows_are_split_reaches_the_step(project: Project, earlier: bool) -> None:
    ports = {"row_id": "id", **{key.partition(".")[2]: key.partition(".")[2] for key in SPLIT if key != "data.id"}}
    names = set(ports)
    if earlier:
        for path in (project.workflow, project.tuned_workflow):
            _without(path, names | {"id"}, "process")
        _without(project.tools / "process.cwl", names | {"id"})
    manifest.change_manifest(project, SPLIT)
    sync_documents(project, manifest.read_manifest(project))
    assert sync_documents(project, manifest.read_manifest(project)) == []
    for path in (project.workflow, project.tuned_workflow):
        document = YAML(typ="safe").load(path)
        given = {port["id"]: port.get("default") for port in document["inputs"]}
        assert {name: given[name] for name in names} == {
            "row_id": "row",
            "stratify": True,
            "group": "person",
            "time": "day",
            "drop": ["name", "note"],
            "impute": '{"age": "mean"}',
            "positive": "yes",
        }
        step = next(one for one in document["steps"] if one["id"] == "process")
        links = {port["id"]: port.get("source") for port in step["in"]}
        assert {name: links[port] for name, port in ports.items()} == {name: [name] for name in names}
        heights = [port["sbg:y"] for port in document["inputs"]]
        assert len(set(heights)) == len(heights)
    there = {port["id"] for port in YAML(typ="safe").load(project.tools / "process.cwl")["inputs"]}
    assert set(ports.values()) <= there
    assert [one.error for one in check_documents([str(project.folder)]) if one.error] == []


@pytest.mark.parametrize("earlier", [False, True])
def test_weights_and_a_threshold_reach_the_steps(project: Project, earlier: bool) -> None:
    names = {"class_weight", "threshold", "threshold_metric", "replace_champion"}
    if earlier:
        for path in (project.workflow, project.tuned_workflow):
            _without(path, names, "evaluate")
            _without(path, names, "train")
        for tool in ("train", "tune", "evaluate"):
            _without(project.tools / f"{tool}.cwl", names)
        sync_documents(project, manifest.read_manifest(project))
        assert names.isdisjoint(port["id"] for port in YAML(typ="safe").load(project.workflow)["inputs"])
    values = {"train.class_weight": {"yes": 10, "no": 1}, "evaluate.threshold": "auto", "evaluate.metric": "f1"}
    manifest.change_manifest(project, {**values, "evaluate.replace_champion": True})
    sync_documents(project, manifest.read_manifest(project))
    for path, step_metric in ((project.workflow, ["threshold_metric"]), (project.tuned_workflow, ["metric"])):
        document = YAML(typ="safe").load(path)
        given = {port["id"]: port.get("default") for port in document["inputs"]}
        assert (given["class_weight"], given["threshold"]) == ('{"no": 1, "yes": 10}', "auto")
        assert given["replace_champion"] is True
        assert ("threshold_metric" in given) == (step_metric == ["threshold_metric"])
        links = {(step["id"], port["id"]): port.get("source") for step in document["steps"] for port in step["in"]}
        assert links["train", "metric"] == step_metric
        assert links["train", "threshold"] == ["threshold"]
        assert links["evaluate", "replace_champion"] == ["replace_champion"]
    assert [one.error for one in check_documents([str(project.folder)]) if one.error] == []


def test_a_workflow_without_the_step_that_a_key_is_for(project: Project) -> None:
    text = project.workflow.read_text().replace("- id: process\n", "- id: prepare\n")
    project.workflow.write_text(text)
    _without(project.workflow, {"group"})
    sync_documents(project, manifest.read_manifest(project))
    manifest.change_manifest(project, {"data.group": "person"})
    with pytest.raises(ProjectError, match="no step 'process' with a tool in a file, and group"):
        sync_documents(project, manifest.read_manifest(project))


def test_what_the_user_did_to_them_stays(project: Project) -> None:
    text = project.workflow.read_text().replace("sbg:x: 900", "sbg:x: 950  # moved")
    project.workflow.write_text(text + "- class: InlineJavascriptRequirement\n")
    manifest.change_manifest(project, {"title": "Flowers"})
    sync_documents(project, manifest.read_manifest(project))
    after = project.workflow.read_text()
    assert "sbg:x: 950  # moved" in after
    assert after.endswith("- class: InlineJavascriptRequirement\n")
    assert "label: Flowers\n" in after


@pytest.mark.parametrize(("text", "sentence"), [("a: [", "cannot be read"), ("- 1", "is no CWL document")])
def test_a_broken_one(project: Project, text: str, sentence: str) -> None:
    project.workflow.write_text(text)
    with pytest.raises(ProjectError, match=sentence):
        sync_documents(project, manifest.read_manifest(project))


def test_the_folder_of_projects_is_imported_as_dags(project: Project, tmp_path: Path) -> None:
    result = Workspace(tmp_path).mlcraft("cwl", "import", project.folder.parent, "--json")
    found = {entry["dag_id"]: entry["error"] for entry in result.json()}
    assert found["iris.workflow"] is None
    assert found["iris.tuned"] is None
    assert set(found.values()) == {None}


def test_what_mlcraft_toml_says_needs_no_setting_on_a_server(project: Project, tmp_path: Path) -> None:
    """It is the document's own: the source, the name of its key, and the code."""
    (project.folder / "own.csv").touch()
    sources = ["https://api.example/data.csv", str(tmp_path / "anywhere.csv")]
    manifest.change_manifest(project, {"data.sources": sources, "data.key": "API_KEY"})
    sync_documents(project, manifest.read_manifest(project))
    permissions = build_permissions(PlanCache(tmp_path / "cache").get_plan(project.workflow))
    assert not permissions.everything
    permissions.check_secret("API_KEY", sources[0])
    permissions.check_path(Path(sources[1]), sources[1])
    for name in ("processor.py", "model.py"):
        permissions.check_code(project.folder / name)
    with pytest.raises(RefusedError):
        permissions.check_secret("API_KEY", "https://evil.example/data.csv")
    with pytest.raises(RefusedError):
        permissions.check_path(tmp_path / "other.csv", str(tmp_path / "other.csv"))
