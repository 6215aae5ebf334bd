"""The verb `doctor`: checks of this machine and of the projects, each with a remedy if it fails."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from airflow_mlcraft import __version__
from airflow_mlcraft.common.extras import DISTRIBUTION
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project import env_file, manifest, user_dirs
from airflow_mlcraft.project.embedded import DAGSHUB_TOKEN
from airflow_mlcraft.project.implement import EDITORS
from airflow_mlcraft.project.project_paths import Project, Projects
from airflow_mlcraft.project.repository import read_remote
from airflow_mlcraft.project.version_conflicts import find_version_conflicts

GOOD, WARNING, WRONG = "good", "warning", "wrong"
_ENOUGH_BYTES = 1 << 30
_MIN_BYTES = 100 << 20
_PACKAGES = ("apache-airflow-core", "cwltool")
_PACKAGES_OF_EXTRAS = {"mlflow": "tracking", "dvc": "dvc", "scikit-learn": "ml", "pandas": "ml"}
_TIMEOUT = 5


@dataclass(frozen=True)
class Finding:
    """The result of one check. With a warning a feature is missing; with `wrong` verbs fail."""

    what: str
    state: str
    found: str
    remedy: str = ""


def examine_setup(projects: Projects) -> Iterator[Finding]:
    """Run all checks of the machine, and then those of each project."""
    for check in (
        _check_python,
        _check_packages,
        _check_settings,
        _check_versions,
        _check_library_internals,
        _check_git,
        _check_disk,
        _check_embedded_airflow,
        _check_uv,
        _check_editor,
        _check_docker,
        _check_node,
    ):
        yield check(projects)
    for project in projects.all():
        yield from _check_project(project)


def _check_python(projects: Projects) -> Finding:
    return Finding("Python", GOOD, f"{sys.version.split()[0]}, {sys.executable}")


def _check_packages(projects: Projects) -> Finding:
    installed, missing = [f"mlcraft {__version__}"], []
    for name in (*_PACKAGES, *_PACKAGES_OF_EXTRAS):
        try:
            installed.append(f"{name.removesuffix('-core')} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    found = ", ".join(installed)
    if not missing:
        return Finding("packages", GOOD, found)
    if not set(missing) <= set(_PACKAGES_OF_EXTRAS):
        return Finding("packages", WRONG, f"{', '.join(missing)} not installed", "install MLcraft anew, with pip")
    extras = ",".join(sorted({_PACKAGES_OF_EXTRAS[name] for name in missing}))
    return Finding(
        "packages",
        WARNING,
        f"{found}; without {', '.join(missing)}",
        f"pip install '{DISTRIBUTION}[{extras}]'; projects need it, CWL documents go without",
    )


def _check_versions(projects: Projects) -> Finding:
    conflicts = find_version_conflicts()
    if not conflicts:
        return Finding("versions", GOOD, "each package accepts the versions of those that it needs")
    remedy = f"let pip choose anew: pip install --upgrade --upgrade-strategy eager {DISTRIBUTION}"
    return Finding("versions", WRONG, "; ".join(map(str, conflicts)), remedy)


def _check_library_internals(projects: Projects) -> Finding:
    """Check that the installed libraries have the internal names that this version of the package uses.

    A process of its own imports them: Airflow logs to the standard streams, and creates its home folder.
    """
    from airflow_mlcraft.runner.home import embedded_environment

    with tempfile.TemporaryDirectory(prefix="mlcraft-doctor-") as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")}
        done = subprocess.run(
            [sys.executable, "-m", "airflow_mlcraft.adapters"],
            env={**environment, **embedded_environment(Path(home))},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = done.stdout.splitlines() if done.returncode == 0 else done.stderr.splitlines()
    problems = json.loads(lines[-1]) if done.returncode == 0 else lines[-1:]
    if problems:
        return Finding(
            "libraries", WRONG, "; ".join(problems), f"install the tested version, or a newer {DISTRIBUTION}"
        )
    return Finding("libraries", GOOD, "each has the internal names that this version uses")


def _check_settings(projects: Projects) -> Finding:
    """Check the section `[mlcraft]` of the Airflow in AIRFLOW_HOME, without creating that folder."""
    from airflow_mlcraft import settings

    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    file = Path(os.environ.get("AIRFLOW_CONFIG") or home / "airflow.cfg").expanduser()
    options = None if file.is_file() else settings.read_environment()
    if problems := settings.find_problems(options):
        return Finding("settings", WRONG, "; ".join(problems), "docs/settings.md lists the options of [mlcraft]")
    return Finding("settings", GOOD, f"[mlcraft] of {file}" if options is None else "the environment's, and defaults")


def _check_git(projects: Projects) -> Finding:
    version_line = _run_command(["git", "--version"])
    if version_line is None:
        return Finding("git", WRONG, "not found", "install git; each project is a repository")
    if not _run_command(["git", "config", "user.email"]):
        return Finding(
            "git", WARNING, f"{version_line}, which does not know you", "git config --global user.email YOU@EXAMPLE"
        )
    return Finding("git", GOOD, version_line)


def _check_disk(projects: Projects) -> Finding:
    folder = next(path for path in (projects.root, *projects.root.parents) if path.is_dir())
    if not os.access(folder, os.W_OK):
        return Finding("projects", WRONG, f"{folder} cannot be written", "name another folder with MLCRAFT_PROJECTS")
    free = shutil.disk_usage(folder).free
    summary = f"{projects.root}, {len(projects.all())} of them, {free / (1 << 30):.1f} GiB free"
    if free < _MIN_BYTES:
        return Finding("projects", WRONG, summary, "make room: training writes data and models there")
    return Finding(
        "projects", GOOD if free > _ENOUGH_BYTES else WARNING, summary, "" if free > _ENOUGH_BYTES else "make some room"
    )


def _check_embedded_airflow(projects: Projects) -> Finding:
    from airflow_mlcraft.runner.home import default_home

    home = default_home()
    folder = next(path for path in (home, *home.parents) if path.is_dir())
    if not os.access(folder, os.W_OK):
        return Finding("embedded Airflow", WRONG, f"{folder} cannot be written", "name a folder with MLCRAFT_HOME")
    ready = "ready" if any(home.glob("template-*.db")) else "made at the first run, which takes ten seconds more"
    return Finding("embedded Airflow", GOOD, f"{home}, {ready}")


def _check_uv(projects: Projects) -> Finding:
    from airflow_mlcraft.common.python_environments import find_uv

    try:
        version_line = _run_command([find_uv(), "--version"])
    except MlcraftError as error:
        return Finding("uv", WARNING, str(error), "pip install uv; it installs what projects need beyond MLcraft")
    folder = user_dirs.environments_folder()
    count = len(list(folder.glob("*/ready.json"))) if folder.is_dir() else 0
    return Finding("uv", GOOD, f"{version_line}, {count} environment{'' if count == 1 else 's'} in {folder}")


def _check_editor(projects: Projects) -> Finding:
    editor = next((os.environ[name] for name in EDITORS if os.environ.get(name)), "vim")
    if shutil.which(shlex.split(editor)[0]) is None:
        return Finding("editor", WARNING, f"{editor} not found", "export EDITOR=nano, or another that is here")
    return Finding("editor", GOOD, editor)


def _check_docker(projects: Projects) -> Finding:
    try:
        import docker
        from docker.errors import DockerException
    except ModuleNotFoundError:
        remedy = f"pip install '{DISTRIBUTION}[docker]' for `mlcraft build`; all else goes without"
        return Finding("Docker", WARNING, "the package docker is not installed", remedy)
    try:
        client = docker.from_env(timeout=_TIMEOUT)
        engine_version = client.version()["Version"]
        client.close()
    except DockerException:
        return Finding("Docker", WARNING, "no engine answers", "start it for `mlcraft build`; all else goes without")
    return Finding("Docker", GOOD, f"engine {engine_version}")


def _check_node(projects: Projects) -> Finding:
    path = shutil.which("node") or shutil.which("nodejs")
    return Finding("Node", GOOD, path or "the one that came with MLcraft")


def _check_project(project: Project) -> Iterator[Finding]:
    try:
        project_manifest = manifest.read_manifest(project)
        _check_documents(project)
    except MlcraftError as error:
        yield Finding(project.name, WRONG, str(error), "mend the file; git has earlier versions of it")
        return
    faults = list(_find_faults(project, project_manifest))
    yield from faults
    if not faults:
        yield Finding(
            project.name,
            GOOD,
            f"{project_manifest.prediction} of {project_manifest.target!r} from {', '.join(project_manifest.sources)}",
        )


def _check_documents(project: Project) -> None:
    from airflow_mlcraft.cwl.check import check_documents

    for checked in check_documents([str(project.workflow), str(project.tuned_workflow)]):
        if checked.error is not None:
            raise checked.error


def _find_faults(project: Project, project_manifest: manifest.Manifest) -> Iterator[Finding]:
    keys = env_file.read_env_file(project)
    if env_file.is_readable_by_others(project):
        yield Finding(project.name, WARNING, ".env can be read by others", f"chmod 600 {project.secrets}")
    for name in [
        *([project_manifest.key] if project_manifest.key else []),
        *([DAGSHUB_TOKEN] if project_manifest.dagshub else []),
    ]:
        if name not in keys and not os.environ.get(name):
            yield Finding(project.name, WRONG, f".env has no {name}", f"mlcraft config {project.name} --key {name}")
    missing = [name for name in ("retriever.py", "processor.py", "model.py") if not (project.folder / name).is_file()]
    if missing:
        yield Finding(project.name, WRONG, f"{', '.join(missing)} missing", "git checkout brings them back")
    if not (project.folder / ".git").exists() or not (project.folder / ".dvc").is_dir():
        yield Finding(project.name, WRONG, "no git and DVC repository", f"cd {project.folder} && git init && dvc init")
    for source in project_manifest.sources:
        if (
            "://" not in source
            and not source.startswith("sklearn:")
            and source != "sql"
            and not _source_exists(project, source)
        ):
            yield Finding(project.name, WRONG, f"there is no {source}", "put it there, or name another source")
    if project_manifest.tracking_uri and (fault := _find_connection_error(project_manifest.tracking_uri)):
        yield Finding(
            project.name,
            WARNING,
            f"MLflow at {project_manifest.tracking_uri}: {fault}",
            "runs are kept, and sent once it answers",
        )
    remote = read_remote(project.folder)
    if remote and "://" not in remote and not Path(remote).is_dir():
        yield Finding(
            project.name, WARNING, f"the DVC remote {remote} is not there", "make the folder, or name another"
        )


def _source_exists(project: Project, source: str) -> bool:
    """Whether a local source exists; True for remote ones, which are not contacted."""
    import glob

    if "://" in source or source.startswith("sklearn:") or source == "sql":
        return True
    return (project.folder / source).exists() or bool(glob.glob(source, root_dir=project.folder, recursive=True))  # noqa: PTH207


def _find_connection_error(uri: str) -> str:
    if not uri.startswith(("http://", "https://")):
        return ""
    import httpx

    try:
        httpx.get(f"{uri.rstrip('/')}/health", timeout=_TIMEOUT)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return ""


def _run_command(command: list[str]) -> str | None:
    """The output of a program; None if it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip()
