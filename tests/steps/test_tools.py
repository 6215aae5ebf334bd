"""The shipped tools and the command that they call agree on its options."""

from __future__ import annotations

import argparse
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.estimators import ESTIMATORS
from airflow_mlcraft.ml.metrics import METRICS, TASKS, metric_for

TOOLS = Path(__file__).parents[2] / "cwl" / "tools"
KINDS = sorted(path.stem for path in TOOLS.glob("*.cwl") if "mlcraft-step" in path.read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_each_option_of_a_tool_is_one_of_the_command(kind: str) -> None:
    tool = yaml.safe_load((TOOLS / f"{kind}.cwl").read_text())
    options = _options(kind)
    assert tool["baseCommand"] == ["mlcraft-step", kind]
    assert set(_prefixes(tool)) <= set(options)
    must = {name for name, option in options.items() if option.required}
    given = {port["inputBinding"]["prefix"] for port in tool["inputs"] if not str(port["type"]).endswith("?")}
    assert must <= given | {"--model"}, "what the command must have, the tool gives"


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_agree(kind: str) -> None:
    tool = yaml.safe_load((TOOLS / f"{kind}.cwl").read_text())
    options = _options(kind)
    for port in tool["inputs"]:
        if "default" in port:
            assert options[port["inputBinding"]["prefix"]].default == port["default"], port["id"]


def _options(kind: str) -> dict[str, argparse.Action]:
    parser = argparse.ArgumentParser()
    import_module(f"airflow_mlcraft.steps.{kind}").add_arguments(parser)
    return {name: action for action in parser._actions for name in action.option_strings}


def _prefixes(tool: dict[str, Any]) -> list[str]:
    bound = [port["inputBinding"]["prefix"] for port in tool["inputs"]]
    return bound + [argument["prefix"] for argument in tool.get("arguments", ())]


CHOICES: dict[str, list[tuple[str, str | None]]] = {
    "train": [("estimator", None), ("metric", None)],
    "tune": [("estimator", None), ("metric", None)],
    "evaluate": [("metric", None)],
    "classification": [("metric", "classification")],
    "retraining": [("metric", "classification")],
    "tuned_classification": [("metric", "classification")],
    "regression": [("metric", "regression")],
}


@pytest.mark.parametrize(
    ("name", "task"),
    [(name, ports[0][1]) for name, ports in CHOICES.items() if ports[0][1]],
)
def test_choices_of_models(name: str, task: str) -> None:
    """cwltool cannot run a document whose input is an array of an enum and has a default: a field lists them."""
    document = yaml.safe_load((TOOLS.parent / "workflows" / f"{name}.cwl").read_text())
    models = next(given for given in document["inputs"] if given["id"] == "models")
    assert models["mlcraft:choices"] == list(ESTIMATORS[task])
    assert set(models["default"]) <= set(models["mlcraft:choices"])


@pytest.mark.parametrize(("name", "port", "task"), [(name, *each) for name, ports in CHOICES.items() for each in ports])
def test_choices_of_forms_are_what_the_steps_know(name: str, port: str, task: str | None) -> None:
    """All metrics and estimators are offered, and nothing else is; tools take names of the user's own as well."""
    (path,) = TOOLS.parent.glob(f"*/{name}.cwl")
    document = yaml.safe_load(path.read_text())
    kind = next(given["type"] for given in document["inputs"] if given["id"] == port)
    kinds = kind if isinstance(kind, list) else [kind["items"] if kind["type"] == "array" else kind]
    (symbols,) = [one["symbols"] for one in kinds if isinstance(one, dict)]
    tasks = [task] if task else list(TASKS)
    if port == "metric":
        known = {metric.name for metric in METRICS.values() if metric.task in tasks}
        assert known <= set(symbols), "a metric is missing in the document"
        assert {metric_of(symbol, tasks) for symbol in symbols} == known, "one that no step knows"
    else:
        assert symbols == list(dict.fromkeys(name for each in tasks for name in ESTIMATORS[each]))
    assert ("string" in kinds) == (path.parent == TOOLS)


@pytest.mark.parametrize("name", ["classification", "regression", "retraining", "tuned_classification"])
def test_what_process_can_be_told_is_in_the_form(name: str) -> None:
    document = yaml.safe_load((TOOLS.parent / "workflows" / f"{name}.cwl").read_text())
    (process,) = [step for step in document["steps"] if step["id"] == "process"]
    links = {link["id"]: link.get("source") for link in process["in"]}
    given = {port["id"] for port in document["inputs"]}
    for port in ("max_categories", "types", "dates", "impute", "drop", "group", "time"):
        assert links[port] == [port]
        assert port in given


def metric_of(name: str, tasks: list[str]) -> str:
    for task in tasks[:-1]:
        with suppress(StepError):
            return metric_for(task, name).name
    return metric_for(tasks[-1], name).name
