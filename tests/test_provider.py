"""The provider's description is what Airflow expects, and Airflow finds it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.resources import files

import jsonschema
import pytest

from airflow_mlcraft import settings
from airflow_mlcraft.provider import get_provider_info

pytestmark = pytest.mark.every_airflow


def test_info_is_valid() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_operator_modules_exist() -> None:
    for integration in get_provider_info()["operators"]:
        for module in integration["python-modules"]:
            import_module(module)


def test_operators_belong_to_an_integration() -> None:
    info = get_provider_info()
    known = {integration["integration-name"] for integration in info["integrations"]}
    assert {operators["integration-name"] for operators in info["operators"]} <= known


def test_airflow_finds_the_provider() -> None:
    from airflow.providers_manager import ProvidersManager

    found = ProvidersManager().providers["airflow-provider-mlcraft"]
    assert found.data["name"] == get_provider_info()["name"]


@pytest.mark.parametrize("name", settings.SETTINGS)
def test_airflow_knows_every_setting(name: str) -> None:
    from airflow.configuration import conf
    from airflow.providers_manager import ProvidersManager

    # Airflow 3.1 reads the options of providers when its commands start, and not at the first question.
    ProvidersManager().initialize_providers_configuration()
    assert conf.get(settings.SECTION, name) is not None


def test_reading_the_info_imports_no_airflow() -> None:
    program = (
        "import sys; from airflow_mlcraft.provider import get_provider_info; get_provider_info();"
        "print(sorted({'airflow', 'cwltool', 'mlflow', 'dvc'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
