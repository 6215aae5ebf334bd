"""`doctor`: what is wrong with this machine's set-up and with the projects, and how to mend it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from airflow_mlcraft import __version__
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project import env_file, manifest, user_dirs
from airflow_mlcraft.project.implement import EDITORS
from airflow_mlcraft.project.project_paths import Project, Projects
from airflow_mlcraft.project.repository import remote_of
from airflow_mlcraft.project.tracking_server import DAGSHUB_TOKEN
from airflow_mlcraft.project.version_conflicts import ROOT, find_version_conflicts

GOOD, WARNING, WRONG = "good", "warning", "wrong"
_ROOM = 1 << 30
_LITTLE = 100 << 20
_PACKAGES = ("apache-airflow-core", "cwltool", "mlflow", "dvc", "scikit-learn", "pandas")
_SECONDS = 5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. A warning leaves something out; what is wrong keeps the verbs from working."""

    what: str
    state: str
    found: str
    remedy: str = ""


def examine(projects: Projects) -> Iterator[Finding]:
    """Look at everything, one after the other."""
    for check in (_python, _packages, _settings, _versions, _git, _disk, _embedded, _uv, _editor, _docker, _node):
        yield check(projects)
    for project in projects.all():
        yield from _project(project)


def _python(projects: Projects) -> Finding:
    return Finding("Python", GOOD, f"{sys.version.split()[0]}, {sys.executable}")


def _packages(projects: Projects) -> Finding:
    found, missing = [f"mlcraft {__version__}"], []
    for name in _PACKAGES:
        try:
            found.append(f"{name.removesuffix('-core')} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("packages", WRONG, f"{', '.join(missing)} not installed", "install MLcraft anew, with pip")
    return Finding("packages", GOOD, ", ".join(found))


def _versions(projects: Projects) -> Finding:
    conflicts = find_version_conflicts()
    if not conflicts:
        return Finding("versions", GOOD, "each package accepts the versions of those that it needs")
    remedy = f"let pip choose anew: pip install --upgrade --upgrade-strategy eager {ROOT}"
    return Finding("versions", WRONG, "; ".join(map(str, conflicts)), remedy)


def _settings(projects: Projects) -> Finding:
    """The section `[mlcraft]` of the Airflow that AIRFLOW_HOME names, without making one where there is none."""
    from airflow_mlcraft import settings

    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    file = Path(os.environ.get("AIRFLOW_CONFIG") or home / "airflow.cfg").expanduser()
    given = None if file.is_file() else settings.given_in_environment()
    if wrong := settings.problems(given):
        return Finding("settings", WRONG, "; ".join(wrong), "docs/settings.md lists the options of [mlcraft]")
    return Finding("settings", GOOD, f"[mlcraft] of {file}" if given is None else "the environment's, and defaults")


def _git(projects: Projects) -> Finding:
    said = _said(["git", "--version"])
    if said is None:
        return Finding("git", WRONG, "not found", "install git; each project is a repository")
    if not _said(["git", "config", "user.email"]):
        return Finding("git", WARNING, f"{said}, which does not know you", "git config --global user.email YOU@EXAMPLE")
    return Finding("git", GOOD, said)


def _disk(projects: Projects) -> Finding:
    place = next(path for path in (projects.root, *projects.root.parents) if path.is_dir())
    if not os.access(place, os.W_OK):
        return Finding("projects", WRONG, f"{place} cannot be written", "name another folder with MLCRAFT_PROJECTS")
    free = shutil.disk_usage(place).free
    found = f"{projects.root}, {len(projects.all())} of them, {free / (1 << 30):.1f} GiB free"
    if free < _LITTLE:
        return Finding("projects", WRONG, found, "make room: training writes data and models there")
    return Finding("projects", GOOD if free > _ROOM else WARNING, found, "" if free > _ROOM else "make some room")


def _embedded(projects: Projects) -> Finding:
    from airflow_mlcraft.runner.home import default_home

    home = default_home()
    place = next(path for path in (home, *home.parents) if path.is_dir())
    if not os.access(place, os.W_OK):
        return Finding("embedded Airflow", WRONG, f"{place} cannot be written", "name a folder with MLCRAFT_HOME")
    ready = "ready" if any(home.glob("template-*.db")) else "made at the first run, which takes ten seconds more"
    return Finding("embedded Airflow", GOOD, f"{home}, {ready}")


def _uv(projects: Projects) -> Finding:
    from airflow_mlcraft.common.python_environments import uv

    try:
        said = _said([uv(), "--version"])
    except MlcraftError as error:
        return Finding("uv", WARNING, str(error), "pip install uv; it installs what projects need beyond MLcraft")
    folder = user_dirs.environments_folder()
    made = len(list(folder.glob("*/ready.json"))) if folder.is_dir() else 0
    return Finding("uv", GOOD, f"{said}, {made} environment{'' if made == 1 else 's'} in {folder}")


def _editor(projects: Projects) -> Finding:
    named = next((os.environ[name] for name in EDITORS if os.environ.get(name)), "vim")
    if shutil.which(shlex.split(named)[0]) is None:
        return Finding("editor", WARNING, f"{named} not found", "export EDITOR=nano, or another that is here")
    return Finding("editor", GOOD, named)


def _docker(projects: Projects) -> Finding:
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=_SECONDS)
        found = client.version()["Version"]
        client.close()
    except DockerException:
        return Finding("Docker", WARNING, "no engine answers", "start it for `mlcraft build`; all else goes without")
    return Finding("Docker", GOOD, f"engine {found}")


def _node(projects: Projects) -> Finding:
    found = shutil.which("node") or shutil.which("nodejs")
    return Finding("Node", GOOD, found or "the one that came with MLcraft")


def _project(project: Project) -> Iterator[Finding]:
    try:
        found = manifest.read(project)
        _check_documents(project)
    except MlcraftError as error:
        yield Finding(project.name, WRONG, str(error), "mend the file; git has earlier versions of it")
        return
    faults = list(_faults(project, found))
    yield from faults
    if not faults:
        yield Finding(project.name, GOOD, f"{found.prediction} of {found.target!r} from {', '.join(found.sources)}")


def _check_documents(project: Project) -> None:
    from airflow_mlcraft.cwl.check import check_documents

    for checked in check_documents([str(project.workflow), str(project.tuned_workflow)]):
        if checked.error is not None:
            raise checked.error


def _faults(project: Project, found: manifest.Manifest) -> Iterator[Finding]:
    keys = env_file.read(project)
    if env_file.readable_by_others(project):
        yield Finding(project.name, WARNING, ".env can be read by others", f"chmod 600 {project.secrets}")
    for name in [*([found.key] if found.key else []), *([DAGSHUB_TOKEN] if found.dagshub else [])]:
        if name not in keys and not os.environ.get(name):
            yield Finding(project.name, WRONG, f".env has no {name}", f"mlcraft config {project.name} --key {name}")
    missing = [name for name in ("retriever.py", "processor.py", "model.py") if not (project.folder / name).is_file()]
    if missing:
        yield Finding(project.name, WRONG, f"{', '.join(missing)} missing", "git checkout brings them back")
    if not (project.folder / ".git").exists() or not (project.folder / ".dvc").is_dir():
        yield Finding(project.name, WRONG, "no git and DVC repository", f"cd {project.folder} && git init && dvc init")
    for source in found.sources:
        if (
            "://" not in source
            and not source.startswith("sklearn:")
            and source != "sql"
            and not _there(project, source)
        ):
            yield Finding(project.name, WRONG, f"there is no {source}", "put it there, or name another source")
    if found.tracking_uri and (fault := _unreachable(found.tracking_uri)):
        yield Finding(
            project.name, WARNING, f"MLflow at {found.tracking_uri}: {fault}", "runs are kept, and sent once it answers"
        )
    remote = remote_of(project.folder)
    if remote and "://" not in remote and not Path(remote).is_dir():
        yield Finding(
            project.name, WARNING, f"the DVC remote {remote} is not there", "make the folder, or name another"
        )


def _there(project: Project, source: str) -> bool:
    """Whether a source is there; of one elsewhere nobody knows before it is asked."""
    import glob

    if "://" in source or source.startswith("sklearn:") or source == "sql":
        return True
    return (project.folder / source).exists() or bool(glob.glob(source, root_dir=project.folder, recursive=True))  # noqa: PTH207


def _unreachable(uri: str) -> str:
    if not uri.startswith(("http://", "https://")):
        return ""
    import httpx

    try:
        httpx.get(f"{uri.rstrip('/')}/health", timeout=_SECONDS)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return ""


def _said(command: list[str]) -> str | None:
    """What a program says; None where it is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip()
