"""The settings that Airflow gives, their defaults, and the page that lists them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from airflow_mlcraft import settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def row(name: str) -> str:
    """A setting's row of the page."""
    setting = settings.SETTINGS[name]
    default = f"`{setting.default}`" if setting.default else ""
    example = f" Example: `{setting.example}`." if setting.example else ""
    return f"| `{name}` | {default} | {setting.description}{example} |"


def test_the_page_lists_every_setting() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [row(name) for name in settings.SETTINGS]


def test_folders_are_in_airflows_home() -> None:
    home = Path(os.environ["AIRFLOW_HOME"])
    assert settings.get_path("store") == home / "mlcraft" / "store"
    assert settings.get_path("cache") == home / "mlcraft" / "cache"


def test_names_that_are_filled_in_later_stay() -> None:
    # Airflow takes a pair of braces off the defaults of providers.
    assert re.search(r"/mlcraft/outputs/\{+ dag_id \}+/\{+ run_id \}+$", settings.get("outputs"))


def test_an_environment_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__STORE", "{AIRFLOW_HOME}/elsewhere")
    assert settings.get_path("store") == Path(os.environ["AIRFLOW_HOME"]) / "elsewhere"


@pytest.mark.parametrize(("text", "value"), [("True", True), ("yes", True), ("0", False), ("", False)])
def test_switches(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__OUTPUTS_WRITABLE", text)
    assert settings.get_bool("outputs_writable") is value


def test_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.get_list("allowed_document_hosts") == ()
    monkeypatch.setenv("AIRFLOW__MLCRAFT__ALLOWED_DOCUMENT_HOSTS", "a.example, b.example,")
    assert settings.get_list("allowed_document_hosts") == ("a.example", "b.example")
