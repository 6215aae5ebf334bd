"""The settings that Airflow gives, their defaults, and the page that lists them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from airflow_mlcraft import settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def format_row(name: str) -> str:
    """A setting's row of the page."""
    setting = settings.SETTINGS[name]
    default = f"`{setting.default}`" if setting.default else ""
    example = f" Example: `{setting.example}`." if setting.example else ""
    return f"| `{name}` | {default} | {setting.description}{example} |"


def test_the_page_lists_every_setting() -> None:
    options, _, _ = PAGE.read_text().partition("\n## ")
    rows = [line for line in options.splitlines() if line.startswith("| `")]
    assert rows == [format_row(name) for name in settings.SETTINGS]


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


@pytest.mark.parametrize(
    ("text", "value"),
    [("100000", 100_000), ("100kB", 100_000), ("100 KB", 100_000), ("1.5 MiB", 1_572_864), ("2G", 2_000_000_000)],
)
def test_sizes(monkeypatch: pytest.MonkeyPatch, text: str, value: int) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__XCOM_LIMIT", text)
    assert settings.get_bytes("xcom_limit") == value


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("0.5", 0.5), ("2 min", 120), ("1h", 3600), ("", 10)])
def test_times(monkeypatch: pytest.MonkeyPatch, text: str, value: float) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__PARSE_SECONDS", text)
    assert settings.get_seconds("parse_seconds") == value


WRONG = {
    "reuse": ("yess", "[mlcraft] reuse is 'yess', expected true or false"),
    "xcom_limit": ("100 apples", "[mlcraft] xcom_limit is '100 apples', expected a number of bytes, or one with kB"),
    "upload_limit": ("-1", "[mlcraft] upload_limit is '-1', expected a number of bytes"),
    "parse_seconds": ("soon", "[mlcraft] parse_seconds is 'soon', expected a number of seconds"),
    "containers": ("maybe", "[mlcraft] containers is 'maybe', expected auto, always or never"),
    "tracking": ("on", "[mlcraft] tracking is 'on', expected auto, always or never"),
    "push_failures": ("cry", "[mlcraft] push_failures is 'cry', expected fail or warn"),
    "resue": ("true", "[mlcraft] has no option resue; reuse is meant?"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text, sentence = WRONG[name]
    variable = f"AIRFLOW__MLCRAFT__{name.upper()}"
    monkeypatch.setenv(variable, text)
    for found in (settings.find_problems(), settings.find_problems(settings.read_environment())):
        assert [problem for problem in found if sentence in problem]
    if name in settings.SETTINGS:
        assert any(variable in problem for problem in settings.find_problems())


def test_the_settings_of_this_installation_are_good() -> None:
    assert settings.find_problems() == []


def test_every_default_is_of_its_kind() -> None:
    assert settings.find_problems({name: setting.default for name, setting in settings.SETTINGS.items()}) == []


def test_the_plugin_warns_and_breaks_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    from airflow_mlcraft.plugin.mlcraft_plugin import MlcraftPlugin

    monkeypatch.setenv("AIRFLOW__MLCRAFT__REUSE", "yess")
    MlcraftPlugin.on_load()
    assert "reuse is 'yess'" in caplog.text


def test_a_result_is_measured_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_mlcraft.operators.xcom_overflow import from_xcom, to_xcom

    monkeypatch.setenv("AIRFLOW__MLCRAFT__XCOM_LIMIT", "100 B")
    text = "ü" * 60
    kept = to_xcom(text)
    assert kept != text
    assert from_xcom(kept) == text
    assert to_xcom("u" * 60) == "u" * 60
