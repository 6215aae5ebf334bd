"""docs/steps.md tells of each option, estimator and metric as it is."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.ml.estimators import ESTIMATORS, Estimator
from airflow_mlcraft.ml.metrics import METRICS

DOCS = (Path(__file__).parents[2] / "docs" / "steps.md").read_text()
LINES = DOCS.splitlines()


@pytest.mark.parametrize("kind", ["split", "process", "train", "tune", "evaluate", "predict"])
def test_options(kind: str) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    import_module(f"airflow_mlcraft.steps.{kind}").add_arguments(parser)
    result = [option for action in parser._actions for option in action.option_strings if f"`{option}" not in DOCS]
    assert not result


@pytest.mark.parametrize("task", ESTIMATORS)
def test_estimators(task: str) -> None:
    for name, one in ESTIMATORS[task].items():
        row = f"| `{name}` | {_class(one)} | {_defaults(one)} | {_space(one)} |"
        assert row in LINES, row


def test_metrics() -> None:
    for name, metric in METRICS.items():
        assert any(line.startswith(f"| `{name}` | {metric.direction.split()[0]} |") for line in LINES), name


def _class(one: Estimator) -> str:
    name = one.path.partition(":")[2]
    return f"CalibratedClassifierCV({name}(), ensemble=False)" if one.inside else name


def _defaults(one: Estimator) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in one.defaults.items())


def _space(one: Estimator) -> str:
    return "; ".join(f"{name} {_range(given)}" for name, given in one.space.items())


def _range(given: Any) -> str:
    if isinstance(given, list):
        return ", ".join(json.dumps(choice).strip('"') for choice in given)
    return f"{given['low']:g} … {given['high']:g}{' (log)' if given.get('log') else ''}"
