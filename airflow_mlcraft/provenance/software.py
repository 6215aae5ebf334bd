"""The engine, as software that a reader can find."""

from __future__ import annotations

from importlib.metadata import version

from rocrate.model import SoftwareApplication
from rocrate.rocrate import ROCrate

from airflow_mlcraft import __version__


def add_engine(crate: ROCrate) -> SoftwareApplication:
    """This package, with the Airflow and the cwltool that it ran on."""
    parts = [
        _package(crate, "apache-airflow", "Apache Airflow", version("apache-airflow-core")),
        _package(crate, "cwltool", "cwltool", version("cwltool")),
    ]
    engine = _package(crate, "airflow-provider-mlcraft", "MLcraft", __version__)
    engine["softwareRequirements"] = parts
    return engine


def _package(crate: ROCrate, package: str, name: str, number: str) -> SoftwareApplication:
    page = f"https://pypi.org/project/{package}/{number}/"
    properties = {"name": name, "version": number, "url": page}
    return crate.add(SoftwareApplication(crate, page, properties=properties))
