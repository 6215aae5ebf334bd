"""A project's CWL documents: made in the form that Rabix Composer keeps, and kept in step with mlcraft.toml."""

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
from airflow_mlcraft.project.run_inputs import defaults_of
from airflow_mlcraft.project.user_dirs import shipped

_CHOICES = "mlcraft:choices"
TOOLS = ("retrieve", "process", "train", "tune", "evaluate", "predict")
NAMESPACES = {"sbg": "https://www.sevenbridges.com/", "mlcraft": "https://mlcraft.dev/cwl#"}
CODE = {"retriever": "retriever.py", "processor": "processor.py", "model_code": "model.py"}

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
_FOR_PROCESS = (
    "stratify", "group", "time", "drop", "impute", "positive", "max_categories", "types", "dates",
)  # fmt: skip
_OF_STEP = {
    "process": {
        **{name: name for name in _FOR_PROCESS},
        "row_id": "id",
    },
    "train": {"class_weight": "class_weight", "threshold": "threshold", "threshold_metric": "metric"},
    "evaluate": {"replace_champion": "replace_champion"},
}
"""Inputs that lead to an input of a step; documents of before get them when they have a value."""
_ONLY_TRAINED = ("threshold_metric",)
"""Inputs that a search does not need: it has the metric anyway."""
_TUNED: dict[str, tuple[str, str, str]] = {
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
_DATA = {"data": "data/retrieved", "train_part": "data/train.parquet", "test_part": "data/test.parquet"}
"""Outputs that get a version in the project's repository, and their paths there."""
_EVALUATED = {"champion": "models/champion", "scores": "reports/scores.json", "report_html": "reports/report.html"}


def write_documents(project: Project, manifest: Manifest, home: Project | None = None) -> None:
    """The workflows and their tools. `home` is where the project is going to be, if it is not there yet."""
    project.tools.mkdir(parents=True, exist_ok=True)
    for name in TOOLS:
        tool = _load(shipped("tools", f"{name}.cwl"))
        if name in ("evaluate", "predict"):
            # The same model of the registry, whatever the DAG is called that Airflow makes of the folder.
            tool["hints"][0]["registry"] = project.name
        if name == "evaluate":
            tool["hints"].append(_versioned(_EVALUATED))
        _write(project.tools / f"{name}.cwl", tool)
    _write(project.workflow, workflow(home or project, manifest))
    _write(project.tuned_workflow, workflow(home or project, manifest, tuned=True))


def sync(project: Project, manifest: Manifest) -> list[Path]:
    """Bring what mlcraft.toml says into the workflows; what else was done to them stays. Gives what has changed."""
    changed = []
    for path in (project.workflow, project.tuned_workflow):
        document = _load(path)
        _add_inputs(path, document, project, manifest)
        _fill(document, project, manifest)
        text = _text(document)
        if text != path.read_text("utf-8"):
            write_text_atomically(path, text)
            changed.append(path)
    return changed


def _add_inputs(path: Path, document: Any, project: Project, manifest: Manifest) -> None:
    """Add inputs that mlcraft.toml has a value for and a document of an earlier version lacks, with their links."""
    values = defaults_of(project, manifest)
    there = {port["id"] for port in document["inputs"]}
    there |= set(_ONLY_TRAINED) if _is_tuned(document) else set()
    for step_name, ports in _OF_STEP.items():
        lacking = [name for name in ports if name not in there and values.get(name)]
        if not lacking:
            continue
        step = next((one for one in document["steps"] if one["id"] == step_name), None)
        tool_path = path.parent / str(step["run"]) if step is not None and isinstance(step.get("run"), str) else None
        if step is None or tool_path is None:
            raise ProjectError(
                f"{path} has no step {step_name!r} with a tool in a file, and {lacking[0]} of {project.manifest.name} "
                "is meant for it",
                f"take {lacking[0]} out of {project.manifest.name}, or add an input {lacking[0]!r} to the workflow",
            )
        _add_ports(tool_path, "tune" if tool_path.stem == "tune" else step_name, [ports[name] for name in lacking])
        for name in lacking:
            row = max((int(port.get("sbg:y", 0)) for port in document["inputs"]), default=-130) // 130 + 1
            document["inputs"].append(_input(name, *_INPUTS[name], row))
            if all(link["id"] != ports[name] for link in step["in"]):
                step["in"].append({"id": ports[name], "source": [name]})


def _add_ports(path: Path, shipped_name: str, names: Sequence[str]) -> None:
    """Add inputs of a shipped tool to a copy of an earlier version."""
    tool = _load(path)
    lacking = set(names) - {port["id"] for port in tool["inputs"]}
    if lacking:
        known = _load(shipped("tools", f"{shipped_name}.cwl"))["inputs"]
        tool["inputs"].extend(port for port in known if port["id"] in lacking)
        _write(path, tool)


def rename_documents(project: Project, old: str) -> list[Path]:
    """Have the project's name in its documents instead of an old one. Gives what has changed."""
    changed = []
    for path in (project.workflow, project.tuned_workflow, *sorted(project.tools.glob("*.cwl"))):
        document = _load(path)
        before = _text(document)
        if document.get("class") == "Workflow" and document.get("id") in (old, f"{old}_tuned"):
            document["id"] = project.name + str(document["id"]).removeprefix(old)
        for hint in document.get("hints", ()):
            if isinstance(hint, dict) and hint.get("registry") == old:
                hint["registry"] = project.name
        if (text := _text(document)) != before:
            write_text_atomically(path, text)
            changed.append(path)
    return changed


def workflow(project: Project, manifest: Manifest, *, tuned: bool = False) -> dict[str, Any]:
    """The document of a project's workflow."""
    inputs = {**_INPUTS, **_TUNED} if tuned else dict(_INPUTS)
    for name in _ONLY_TRAINED if tuned else ():
        del inputs[name]
    made: dict[str, Any] = {
        "cwlVersion": "v1.0",
        "class": "Workflow",
        "id": f"{project.name}_tuned" if tuned else project.name,
        "label": "",
        "doc": "",
        "$namespaces": dict(NAMESPACES),
        "inputs": [_input(name, *about, row) for row, (name, about) in enumerate(inputs.items())],
        "outputs": [_output(name, *about, row) for row, (name, about) in enumerate(_OUTPUTS.items())],
        "steps": _steps(tuned),
        "hints": [_versioned(_DATA)],
        "requirements": [{"class": "ScatterFeatureRequirement"}],
    }
    _fill(made, project, manifest)
    return made


def _is_tuned(document: Any) -> bool:
    return str(document.get("id", "")).endswith("_tuned")


def _fill(document: Any, project: Project, manifest: Manifest) -> None:
    """Names, defaults and the kind of prediction."""
    tuned = _is_tuned(document)
    document["label"] = f"{manifest.title}, tuned" if tuned else manifest.title
    search = "Searches for the best parameters of several models" if tuned else "Trains several models"
    document["doc"] = (
        f"{search} for the {manifest.prediction} of {manifest.target!r}, compares them, and names the best one the "
        "champion."
    )
    defaults = defaults_of(project, manifest)
    choices = {"models": model_choices(project, manifest), "metric": metric_choices(manifest)}
    for port in document.get("inputs", ()):
        if port["id"] in defaults:
            _set(port, "default", defaults[port["id"]])
        if port["id"] == "metric" and port["type"] == "string":
            # As documents of an earlier version have it, when each project had a metric.
            port["type"] = "string?"
        if port["id"] in choices:
            _set(port, _CHOICES, choices[port["id"]])
    for step in document.get("steps", ()):
        for port in step.get("in", ()):
            if step["id"] == "process" and port["id"] == "prediction":
                port["default"] = manifest.prediction


def _set(port: Any, name: str, value: Any) -> None:
    if value is None:
        port.pop(name, None)
    elif port.get(name) != value:
        port[name] = value


def _input(name: str, kind: str, label: str, doc: str, row: int) -> dict[str, Any]:
    made: dict[str, Any] = {"id": name, "type": kind, "label": label, "doc": doc, "sbg:x": 0, "sbg:y": 130 * row}
    if name in CODE:
        made["default"] = {"class": "File", "location": CODE[name]}
    return made


def _output(name: str, kind: str, source: str, doc: str, row: int) -> dict[str, Any]:
    label = name.replace("_", " ").capitalize()
    return {
        "id": name,
        "type": kind,
        "label": label,
        "doc": doc,
        "outputSource": [source],
        "sbg:x": 1500,
        "sbg:y": 130 * row,
    }


def _steps(tuned: bool) -> list[dict[str, Any]]:
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
        **{port: name for name, port in _OF_STEP["train"].items()},
    }
    evaluate = {
        "models": "train/model",
        "test": "process/test",
        "train": "process/train",
        "metric": "metric",
        "minimum": "minimum",
        "margin": "margin",
        "seed": "seed",
        **{port: name for name, port in _OF_STEP["evaluate"].items()},
    }
    process |= {
        "test_size": "test_size",
        "seed": "split_seed",
        **{port: name for name, port in _OF_STEP["process"].items()},
    }
    processing = _step("process", process, 600, 325)
    processing["in"].insert(2, {"id": "prediction"})
    scatter = ["estimator", "params"]
    if tuned:
        # What a search makes best is part of the search; a model that is only trained is the same by any metric.
        train = {name: source for name, source in train.items() if name != "params"}
        train |= {"trials": "trials", "space": "space", "metric": "metric"}
        scatter = ["estimator", "space"]
    training = _step("train", train, 900, 455, tool="tune" if tuned else "train")
    training["in"].append({"id": "tolerate", "default": True})
    training["scatter"] = scatter
    training["scatterMethod"] = "dotproduct"
    return [_step("retrieve", retrieve, 300, 195), processing, training, _step("evaluate", evaluate, 1200, 455)]


def _step(name: str, inputs: Mapping[str, str], x: int, y: int, tool: str = "") -> dict[str, Any]:
    path = f"tools/{tool or name}.cwl"
    outputs = [{"id": port["id"]} for port in _load(shipped("tools", f"{tool or name}.cwl"))["outputs"]]
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


def _versioned(paths: Mapping[str, str]) -> dict[str, Any]:
    return {"class": "mlcraft:Data", "outputs": [{"output": port, "to": path} for port, path in paths.items()]}


def _load(path: Path) -> Any:
    try:
        found = _yaml().load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"there is no {path}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ProjectError(f"{path} is no CWL document")
    return found


def _write(path: Path, document: Any) -> None:
    write_text_atomically(path, _text(document))


def _text(document: Any) -> str:
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=2, offset=0)
    yaml.preserve_quotes = True
    return yaml
