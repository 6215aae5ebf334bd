"""The CWL documents of a project: workflow.cwl, tuned.cwl and the tools, generated and synchronized with mlcraft.toml.

The tables at the top describe the inputs and outputs of the workflows. `write_documents` creates all documents of a new
project, `sync_documents` updates them after a change of mlcraft.toml, `rename_documents` replaces the project's name.
The documents are in the form that Rabix Composer opens and saves, so the user may edit them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from airflow_mlcraft.common.files import write_text_atomically
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.manifest import Manifest
from airflow_mlcraft.project.model_choices import metric_choices, model_choices
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_inputs import build_default_inputs
from airflow_mlcraft.project.user_dirs import find_shipped

_CHOICES_FIELD = "mlcraft:choices"
TOOL_NAMES = ("retrieve", "process", "train", "tune", "evaluate", "predict")
NAMESPACES = {"sbg": "https://www.sevenbridges.com/", "mlcraft": "https://mlcraft.dev/cwl#"}
CODE_FILES = {"retriever": "retriever.py", "processor": "processor.py", "model_code": "model.py"}

_INPUTS: dict[str, tuple[str, str, str]] = {
    "sources": ("string[]", "Sources", "Where the data come from: addresses, paths, or sklearn:NAME."),
    "key_env": ("string?", "Key variable", "The environment variable that has the API key of the sources."),
    "retriever": ("File", "Retriever", "The project's own way to bring the data."),
    "target": ("string", "Target", "The column that is to be predicted."),
    "processor": ("File", "Processor", "The project's own way to clean the data."),
    "process_params": ("string?", "Processor's parameters", "What the processor gets besides the data, as JSON."),
    "test_size": ("double", "Test part", "The share of the rows that is kept for the test."),
    "split_seed": ("int", "Seed of the split", "Which rows are kept for the test; another seed keeps others."),
    "seed": ("int", "Seed", "Where the models' random numbers start; the same seed gives the same result."),
    "models": ("string[]", "Models", "The estimators to compare; each is trained in a task of its own."),
    "params": ("string[]", "Parameters", "Of each of the models, as a JSON object."),
    "model_code": ("File", "Model", "The project's own estimators."),
    "folds": ("int", "Folds", "Of cross-validation."),
    "metric": ("string?", "Metric", "What makes a model the best; chosen by the data when left out."),
    "minimum": ("double?", "Gate", "The worst value of the metric that a champion may have."),
    "margin": ("double", "Margin", "By how much a new model must beat the champion of today."),
    "stratify": ("boolean", "Stratify", "Whether both parts get the same share of each class."),
    "group": ("string?", "Group", "A column whose equal values stay in one part, such as the id of a person."),
    "time": ("string?", "Time", "A column by which the latest rows become the test part."),
    "drop": ("string[]?", "Leave out", "Columns that are not to be learned from."),
    "impute": ("string?", "Fill gaps", "How missing numbers are filled; or a JSON object with a way for each column."),
    "positive": ("string?", "Positive class", "The one of two classes that is to be found."),
    "max_categories": ("int?", "Categories", "Columns that the categories of one column become at most."),
    "class_weight": ("string?", "Class weights", "balanced, or a JSON object with a weight for each label."),
    "threshold": ("string?", "Threshold", "From which probability on the positive class is named; or auto."),
    "threshold_metric": ("string?", "Metric of the threshold", "What an automatic threshold makes best on the folds."),
    "replace_champion": (
        "boolean",
        "Replace the champion",
        "Whether a champion of today that cannot be compared, because it is one of other data, is replaced.",
    ),
    "row_id": ("string?", "Id", "The column that tells rows apart; all columns tell it when left out."),
    "types": ("string?", "Kinds", "Kinds of columns as a JSON object: number, category, boolean, date or text."),
    "dates": ("string?", "Dates", "How dates are written, by column, as a JSON object."),
}
_PROCESS_INPUTS = (
    "stratify", "group", "time", "drop", "impute", "positive", "max_categories", "types", "dates",
)  # fmt: skip
_STEP_INPUTS = {
    "process": {
        **{name: name for name in _PROCESS_INPUTS},
        "row_id": "id",
    },
    "train": {"class_weight": "class_weight", "threshold": "threshold", "threshold_metric": "metric"},
    "evaluate": {"replace_champion": "replace_champion"},
}
"""Workflow inputs by step, with the input of the step that each is linked to.

Documents of an earlier version get such an input once it has a value.
"""
_TRAINING_ONLY_INPUTS = ("threshold_metric",)
"""Inputs that the workflow with tuning lacks, because its search has the metric already."""
_TUNING_INPUTS: dict[str, tuple[str, str, str]] = {
    "trials": ("int", "Trials", "How many sets of parameters are tried for each model."),
    "space": ("string[]", "Spaces", "Where to search for each of the models, as JSON; {} for the usual places."),
}
_OUTPUTS: dict[str, tuple[str, str, str]] = {
    "champion": ("Directory", "evaluate/champion", "The best model."),
    "scores": ("File", "evaluate/scores", "All metrics of all models, and what was decided."),
    "report": ("File", "evaluate/report_html", "Tables and plots, as a web page."),
    "report_md": ("File", "evaluate/report_md", "The same as text."),
    "plots": ("Directory", "evaluate/plots", "The pictures of the report."),
    "data": ("File", "retrieve/data", "The data as they came."),
    "profile": ("File", "retrieve/profile", "Rows, columns, types, ranges."),
    "train_part": ("File", "process/train", "The rows that were learned from."),
    "test_part": ("File", "process/test", "The rows that were kept for the test."),
    "trained": ("Directory[]", "train/model", "All models."),
    "metrics": ("File[]", "train/metrics", "What cross-validation measured, for each model."),
}
_DATA_PATHS = {"data": "data/retrieved", "train_part": "data/train.parquet", "test_part": "data/test.parquet"}
"""Workflow outputs that are versioned in the project's repository, with their paths there."""
_EVALUATION_PATHS = {
    "champion": "models/champion",
    "scores": "reports/scores.json",
    "report_html": "reports/report.html",
}


def write_documents(project: Project, manifest: Manifest, final_project: Project | None = None) -> None:
    """Write the workflows and their tools. `final_project` is where a draft is moved to."""
    project.tools.mkdir(parents=True, exist_ok=True)
    for name in TOOL_NAMES:
        tool = _load_document(find_shipped("tools", f"{name}.cwl"))
        if name in ("evaluate", "predict"):
            # The name of the registered model must not depend on the id of the DAG in Airflow.
            tool["hints"][0]["registry"] = project.name
        if name == "evaluate":
            tool["hints"].append(_build_data_hint(_EVALUATION_PATHS))
        _write_document(project.tools / f"{name}.cwl", tool)
    _write_document(project.workflow, build_workflow(final_project or project, manifest))
    _write_document(project.tuned_workflow, build_workflow(final_project or project, manifest, tuned=True))


def sync_documents(project: Project, manifest: Manifest) -> list[Path]:
    """Update titles, defaults and inputs of the workflows from mlcraft.toml. Returns the changed files.

    Other edits of the user stay.
    """
    changed = []
    for path in (project.workflow, project.tuned_workflow):
        document = _load_document(path)
        _add_missing_inputs(path, document, project, manifest)
        _update_values(document, project, manifest)
        text = _to_yaml(document)
        if text != path.read_text("utf-8"):
            write_text_atomically(path, text)
            changed.append(path)
    return changed


def _add_missing_inputs(path: Path, document: Any, project: Project, manifest: Manifest) -> None:
    """Add inputs, with links, that have a value in mlcraft.toml and are missing in a document of an earlier version."""
    values = build_default_inputs(project, manifest)
    existing = {port["id"] for port in document["inputs"]}
    existing |= set(_TRAINING_ONLY_INPUTS) if _is_tuned(document) else set()
    for step_name, ports in _STEP_INPUTS.items():
        missing = [name for name in ports if name not in existing and values.get(name)]
        if not missing:
            continue
        step = next((one for one in document["steps"] if one["id"] == step_name), None)
        tool_path = path.parent / str(step["run"]) if step is not None and isinstance(step.get("run"), str) else None
        if step is None or tool_path is None:
            raise ProjectError(
                f"{path} has no step {step_name!r} with a tool in a file, and {missing[0]} of {project.manifest.name} "
                "is meant for it",
                f"take {missing[0]} out of {project.manifest.name}, or add an input {missing[0]!r} to the workflow",
            )
        _add_tool_inputs(
            tool_path, "tune" if tool_path.stem == "tune" else step_name, [ports[name] for name in missing]
        )
        for name in missing:
            row = max((int(port.get("sbg:y", 0)) for port in document["inputs"]), default=-130) // 130 + 1
            document["inputs"].append(_build_input(name, *_INPUTS[name], row))
            if all(link["id"] != ports[name] for link in step["in"]):
                step["in"].append({"id": ports[name], "source": [name]})


def _add_tool_inputs(path: Path, shipped_name: str, names: Sequence[str]) -> None:
    """Add inputs of the shipped tool to the project's older copy of it."""
    tool = _load_document(path)
    missing = set(names) - {port["id"] for port in tool["inputs"]}
    if missing:
        shipped_inputs = _load_document(find_shipped("tools", f"{shipped_name}.cwl"))["inputs"]
        tool["inputs"].extend(port for port in shipped_inputs if port["id"] in missing)
        _write_document(path, tool)


def rename_documents(project: Project, old: str) -> list[Path]:
    """Replace the old name of the project in its documents. Returns the changed files."""
    changed = []
    for path in (project.workflow, project.tuned_workflow, *sorted(project.tools.glob("*.cwl"))):
        document = _load_document(path)
        before = _to_yaml(document)
        if document.get("class") == "Workflow" and document.get("id") in (old, f"{old}_tuned"):
            document["id"] = project.name + str(document["id"]).removeprefix(old)
        for hint in document.get("hints", ()):
            if isinstance(hint, dict) and hint.get("registry") == old:
                hint["registry"] = project.name
        if (text := _to_yaml(document)) != before:
            write_text_atomically(path, text)
            changed.append(path)
    return changed


def build_workflow(project: Project, manifest: Manifest, *, tuned: bool = False) -> dict[str, Any]:
    """Build the document of a project's workflow, with or without tuning."""
    inputs = {**_INPUTS, **_TUNING_INPUTS} if tuned else dict(_INPUTS)
    for name in _TRAINING_ONLY_INPUTS if tuned else ():
        del inputs[name]
    document: dict[str, Any] = {
        "cwlVersion": "v1.0",
        "class": "Workflow",
        "id": f"{project.name}_tuned" if tuned else project.name,
        "label": "",
        "doc": "",
        "$namespaces": dict(NAMESPACES),
        "inputs": [_build_input(name, *field, row) for row, (name, field) in enumerate(inputs.items())],
        "outputs": [_build_output(name, *field, row) for row, (name, field) in enumerate(_OUTPUTS.items())],
        "steps": _build_steps(tuned),
        "hints": [_build_data_hint(_DATA_PATHS)],
        "requirements": [{"class": "ScatterFeatureRequirement"}],
    }
    _update_values(document, project, manifest)
    return document


def _is_tuned(document: Any) -> bool:
    return str(document.get("id", "")).endswith("_tuned")


def _update_values(document: Any, project: Project, manifest: Manifest) -> None:
    """Set label, doc, defaults, choices and the prediction type from the manifest."""
    tuned = _is_tuned(document)
    document["label"] = f"{manifest.title}, tuned" if tuned else manifest.title
    search = "Searches for the best parameters of several models" if tuned else "Trains several models"
    document["doc"] = (
        f"{search} for the {manifest.prediction} of {manifest.target!r}, compares them, and names the best one the "
        "champion."
    )
    defaults = build_default_inputs(project, manifest)
    choices = {"models": model_choices(project, manifest), "metric": metric_choices(manifest)}
    for port in document.get("inputs", ()):
        if port["id"] in defaults:
            _set_or_remove(port, "default", defaults[port["id"]])
        if port["id"] == "metric" and port["type"] == "string":
            # Documents of an earlier version, in which the metric was required, have this type.
            port["type"] = "string?"
        if port["id"] in choices:
            _set_or_remove(port, _CHOICES_FIELD, choices[port["id"]])
    for step in document.get("steps", ()):
        for port in step.get("in", ()):
            if step["id"] == "process" and port["id"] == "prediction":
                port["default"] = manifest.prediction


def _set_or_remove(port: Any, name: str, value: Any) -> None:
    if value is None:
        port.pop(name, None)
    elif port.get(name) != value:
        port[name] = value


def _build_input(name: str, type_: str, label: str, doc: str, row: int) -> dict[str, Any]:
    port: dict[str, Any] = {"id": name, "type": type_, "label": label, "doc": doc, "sbg:x": 0, "sbg:y": 130 * row}
    if name in CODE_FILES:
        port["default"] = {"class": "File", "location": CODE_FILES[name]}
    return port


def _build_output(name: str, type_: str, source: str, doc: str, row: int) -> dict[str, Any]:
    label = name.replace("_", " ").capitalize()
    return {
        "id": name,
        "type": type_,
        "label": label,
        "doc": doc,
        "outputSource": [source],
        "sbg:x": 1500,
        "sbg:y": 130 * row,
    }


def _build_steps(tuned: bool) -> list[dict[str, Any]]:
    retrieve = {"sources": "sources", "key_env": "key_env", "code": "retriever"}
    process = {"data": "retrieve/data", "target": "target", "code": "processor", "params": "process_params"}
    train = {
        "train": "process/train",
        "recipe": "process/recipe",
        "estimator": "models",
        "params": "params",
        "code": "model_code",
        "seed": "seed",
        "folds": "folds",
        **{port: name for name, port in _STEP_INPUTS["train"].items()},
    }
    evaluate = {
        "models": "train/model",
        "test": "process/test",
        "train": "process/train",
        "metric": "metric",
        "minimum": "minimum",
        "margin": "margin",
        "seed": "seed",
        **{port: name for name, port in _STEP_INPUTS["evaluate"].items()},
    }
    process |= {
        "test_size": "test_size",
        "seed": "split_seed",
        **{port: name for name, port in _STEP_INPUTS["process"].items()},
    }
    processing = _build_step("process", process, 600, 325)
    processing["in"].insert(2, {"id": "prediction"})
    scatter = ["estimator", "params"]
    if tuned:
        # The metric that a search optimizes is part of the search; a trained model does not depend on the metric.
        train = {name: source for name, source in train.items() if name != "params"}
        train |= {"trials": "trials", "space": "space", "metric": "metric"}
        scatter = ["estimator", "space"]
    training = _build_step("train", train, 900, 455, tool="tune" if tuned else "train")
    training["in"].append({"id": "tolerate", "default": True})
    training["scatter"] = scatter
    training["scatterMethod"] = "dotproduct"
    return [
        _build_step("retrieve", retrieve, 300, 195),
        processing,
        training,
        _build_step("evaluate", evaluate, 1200, 455),
    ]


def _build_step(name: str, inputs: Mapping[str, str], x: int, y: int, tool: str = "") -> dict[str, Any]:
    path = f"tools/{tool or name}.cwl"
    outputs = [{"id": port["id"]} for port in _load_document(find_shipped("tools", f"{tool or name}.cwl"))["outputs"]]
    links = [{"id": port, "source": [source]} for port, source in inputs.items()]
    return {
        "id": name,
        "label": (tool or name).capitalize(),
        "run": path,
        "in": links,
        "out": outputs,
        "sbg:x": x,
        "sbg:y": y,
    }


def _build_data_hint(paths: Mapping[str, str]) -> dict[str, Any]:
    return {"class": "mlcraft:Data", "outputs": [{"output": port, "to": path} for port, path in paths.items()]}


def _load_document(path: Path) -> Any:
    try:
        document = _new_yaml().load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"there is no {path}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise ProjectError(f"{path} is no CWL document")
    return document


def _write_document(path: Path, document: Any) -> None:
    write_text_atomically(path, _to_yaml(document))


def _to_yaml(document: Any) -> str:
    stream = io.StringIO()
    _new_yaml().dump(document, stream)
    return stream.getvalue()


def _new_yaml() -> YAML:
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=2, offset=0)
    yaml.preserve_quotes = True
    return yaml
