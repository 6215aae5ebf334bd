"""Plugins, as mlflow calls them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import mlflow.data
import pytest
from mlflow.tracking.context import registry as contexts
from mlflow.tracking.default_experiment import registry as experiments

from airflow_mlcraft.adapters.mlflow_plugins import DatasetSource, DefaultExperimentProvider, RunContextProvider


class Text(DatasetSource):
    source_type = "text"

    def __init__(self, text: str):
        self.text = text

    def load(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> Text:
        return cls(**source_dict)

    @classmethod
    def can_parse(cls, raw_source: Any) -> bool:
        return str(raw_source).startswith("text:")

    @classmethod
    def parse(cls, raw_source: Any) -> Text:
        return cls(raw_source.removeprefix("text:"))


def test_mlflow_finds_a_source_by_what_a_user_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = mlflow.data.dataset_source_registry._dataset_source_registry
    monkeypatch.setattr(registry, "sources", [*registry.sources, Text])
    found = mlflow.data.dataset_source_registry.resolve_dataset_source("text:hello")
    assert isinstance(found, Text)
    assert found.text == "hello"
    again = mlflow.data.dataset_source_registry.get_dataset_source_from_json(found.to_json(), "text")
    assert isinstance(again, Text)
    assert again.text == "hello"


def test_mlflow_asks_plugins_for_tags_and_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tags(RunContextProvider):
        def in_context(self) -> bool:
            return True

        def tags(self) -> dict[str, str]:
            return {"colour": "red"}

    class Experiment(DefaultExperimentProvider):
        def in_context(self) -> bool:
            return True

        def get_experiment_id(self) -> str:
            return "7"

    monkeypatch.setattr(contexts._run_context_provider_registry, "_registry", [Tags()])
    monkeypatch.setattr(experiments._default_experiment_provider_registry, "_registry", [Experiment()])
    assert contexts.resolve_tags() == {"colour": "red"}
    assert experiments.get_experiment_id() == "7"


def test_mlflow_loads_the_plugins_of_this_package() -> None:
    """It warns of those that it cannot import."""
    program = "import airflow_mlcraft.tracking.store_api, mlflow.data"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, "Failure" in done.stderr) == (0, False), done.stderr
