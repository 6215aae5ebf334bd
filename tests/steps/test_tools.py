"""The shipped tools and the command that they call agree on its options."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

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
