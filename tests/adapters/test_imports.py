"""Only the adapters import internal names of libraries, and each of these names is in the list of its library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from airflow_mlcraft.adapters.contract import Library
from airflow_mlcraft.adapters.internals import AIRFLOW_CORE, LIBRARIES

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "airflow_mlcraft"
ADAPTERS = PACKAGE / "adapters"

# Airflow's documentation of its public interface names these modules; of `airflow.sdk` only the names in `__all__`.
# Everything of a provider is public but its modules' own private names.
PUBLIC_OF_AIRFLOW = {
    "airflow.configuration": {"conf"},
    "airflow.exceptions": None,
    "airflow.listeners": {"hookimpl"},
    "airflow.plugins_manager": {"AirflowPlugin"},
    "airflow.providers": None,
    "airflow.sdk.timezone": None,
    "airflow.timetables": None,
    "airflow.utils.state": None,
}
"""The public names of each module; None for all."""

# cwltool documents its contexts and its tool factory; the others are the objects of a loaded document and of a job.
PUBLIC_OF_CWLTOOL = {
    "cwltool.builder": {"content_limit_respected_read"},
    "cwltool.command_line_tool": {"CommandLineTool"},
    "cwltool.context": {"LoadingContext", "RuntimeContext"},
    "cwltool.errors": None,
    "cwltool.job": {"CommandLineJob", "ContainerCommandLineJob", "JobBase"},
    "cwltool.load_tool": {"fetch_document", "make_tool", "resolve_and_validate_document"},
    "cwltool.mutation": {"MutationManager"},
    "cwltool.pathmapper": {"MapperEnt", "PathMapper"},
    "cwltool.process": {"Process", "shortname"},
    "cwltool.stdfsaccess": {"StdFsAccess"},
    "cwltool.update": {"INTERNAL_VERSION", "ORIGINAL_CWLVERSION"},
    "cwltool.utils": {"adjustDirObjs", "get_listing", "normalizeFilesDirs", "visit_files", "visit_files_directories"},
    "cwltool.workflow": {"Workflow", "WorkflowStep", "default_make_tool"},
}

PUBLIC: dict[str, dict[str, set[str] | None]] = {
    "airflow": PUBLIC_OF_AIRFLOW,
    "cwl_utils": {"cwl_utils.errors": None, "cwl_utils.expression": {"do_eval"}},
    "cwltool": PUBLIC_OF_CWLTOOL,
    "dvc": {"dvc.api": None},
    "dvc_data": {},
    "dvc_objects": {},
    "mlflow": {"mlflow": {"", "MlflowClient", "entities", "MlflowException"}},
    "prometheus_client": {
        "prometheus_client": {
            "CONTENT_TYPE_LATEST",
            "CollectorRegistry",
            "Counter",
            "Gauge",
            "Histogram",
            "generate_latest",
        }
    },
    "ruamel": {"ruamel.yaml": None},
    "schema_salad": {
        "schema_salad.exceptions": None,
        "schema_salad.ref_resolver": {"Loader"},
        "schema_salad.sourceline": {"cmap"},
        "schema_salad.utils": {"yaml_no_ts"},
    },
    "sklearn": {"sklearn": None},
}
"""The public modules of each library whose internals are used only in adapters."""

DOCUMENTED_ATTRIBUTES = {"_Hash", "_exit", "_replace"}
"""Of named tuples and of `os`, and the type of hashes of typeshed."""

REPLACED_METHODS = {"_execute", "collect_outputs", "docker_monitor", "make_path_mapper"}
"""Methods of cwltool's jobs that the adapter replaces."""

_BY_NAME = {"delattr", "getattr", "hasattr", "setattr"}


def test_only_adapters_import_internal_names() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{line}: {module}.{name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.is_relative_to(ADAPTERS)
        for line, module, name in find_imports(path)
        if not is_public(module, name)
    ]
    assert found == []


@pytest.mark.parametrize("adapter", sorted({library.adapter for library in LIBRARIES}))
def test_all_internal_names_of_an_adapter_are_listed(adapter: str) -> None:
    internals = [internal for library in LIBRARIES if library.adapter == adapter for internal in library.internals]
    listed = {path for internal in internals for path in (internal.path, *internal.instead)}
    missing = [
        f"{module}:{name}"
        for _, module, name in find_imports(PROJECT / adapter)
        if not is_public(module, name) and not _is_listed(f"{module}:{name}", f"{module}.{name}", listed)
    ]
    assert missing == []


def test_each_adapter_has_a_list() -> None:
    adapters = {f"airflow_mlcraft/adapters/{path.name}" for path in ADAPTERS.glob("*.py")}
    others = {f"airflow_mlcraft/adapters/{name}.py" for name in ("__init__", "__main__", "contract", "internals")}
    assert adapters - others == {library.adapter for library in LIBRARIES}


def test_only_adapters_use_private_attributes_of_others() -> None:
    """A private name of an object that its module does not define is one of a library."""
    found = [
        f"{path.relative_to(PROJECT)}:{line}: {name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.is_relative_to(ADAPTERS)
        for line, name in find_private_attributes(path)
        if name not in DOCUMENTED_ATTRIBUTES
    ]
    assert found == []


def test_only_adapters_replace_methods_of_jobs() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{node.lineno}: {node.attr}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.is_relative_to(ADAPTERS)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in REPLACED_METHODS
    ]
    assert found == []


@pytest.mark.parametrize("adapter", sorted({library.adapter for library in LIBRARIES}))
def test_private_attributes_of_an_adapter_are_checked(adapter: str) -> None:
    """By the list of its library or, where objects alone have them, by the tests of the adapter."""
    paths = [internal.path for library in LIBRARIES if library.adapter == adapter for internal in library.internals]
    tests = Path(__file__).with_name(f"test_{Path(adapter).name}")
    tested = tests.read_text("utf-8") if tests.is_file() else ""
    unchecked = [
        f"{adapter}:{line}: {name}"
        for line, name in find_private_attributes(PROJECT / adapter)
        if not any(path.endswith(f".{name}") for path in paths) and f'"{name}"' not in tested
    ]
    assert unchecked == []


@pytest.mark.parametrize("library", [AIRFLOW_CORE], ids=lambda library: Path(library.adapter).stem)
def test_names_are_passed_on_from_the_modules_that_they_are_typed_with(library: Library) -> None:
    """A lazy adapter names the module of a class twice: for type checkers, and for the import."""
    adapter = import_module(library.adapter.removesuffix(".py").replace("/", "."))
    typed = {name: module for _, module, name in find_imports(PROJECT / library.adapter)}
    assert {name: typed[name] for name in adapter.__all__} == adapter._MODULES


def find_imports(path: Path) -> Iterator[tuple[int, str, str]]:
    """The line, module and name of each import in a file, type-checking ones included; of a module, an empty name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from ((node.lineno, node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)


def find_private_attributes(path: Path) -> Iterator[tuple[int, str]]:
    """The line and name of each private attribute of other objects, by name or by `getattr` and its like."""
    tree = ast.parse(path.read_text("utf-8"))
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_self(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not _is_self(node.value):
            name = node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _BY_NAME:
            name = str(node.args[1].value) if isinstance(node.args[1], ast.Constant) else ""
        else:
            continue
        if name.startswith("_") and not name.startswith("__") and name not in own:
            yield node.lineno, name


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def is_public(module: str, name: str) -> bool:
    """Whether a name may be imported outside of the adapters. Names of libraries without adapters may."""
    public = PUBLIC.get(module.partition(".")[0])
    if public is None:
        return True
    if any(part.startswith("_") for part in module.split(".")):
        return False
    if module == "airflow":
        return name == ""
    if module == "airflow.sdk":
        return name in import_module("airflow.sdk").__all__
    for prefix, names in public.items():
        if module == prefix or module.startswith(f"{prefix}."):
            return not name.startswith("_") and (names is None or name in names)
    return False


def _is_listed(path: str, module_path: str, listed: set[str]) -> bool:
    """Whether a name, or one below it, is listed: a class by one of its methods, a module by one of its names."""
    return any(each == path or each.startswith((f"{path}.", f"{module_path}:")) for each in listed)
