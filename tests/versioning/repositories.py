"""Real git and DVC repositories, and their real commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from airflow_mlcraft.store.store import Store
from airflow_mlcraft.versioning.dvc_files import DvcData
from airflow_mlcraft.versioning.repository import find_repository
from airflow_mlcraft.versioning.targets import to_dvc_data
from airflow_mlcraft.versioning.version import Version, Versioning

ABOUT = {"DAG": "iris", "Run": "manual__1"}


def git(folder: Path, *arguments: str) -> str:
    """Run git and return its output."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def dvc(folder: Path, *arguments: str) -> str:
    """Run dvc and return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repository(folder: Path, *, below: str = "") -> Path:
    """Create a repository with one commit; `below` is the folder of the DVC repository inside."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / below).mkdir(exist_ok=True)
    dvc(folder / below, "init", "--quiet", *(["--subdir"] if below else []))
    git(folder, "commit", "--quiet", "-m", "Start")
    return folder / below


def data(store: Store, content: Any) -> DvcData:
    """A file with a text, or a folder with a text for each name, in the store."""
    value: dict[str, Any]
    if isinstance(content, str):
        value = {"class": "File", "basename": "x", "location": f"store://md5/{store.add_bytes(content.encode())}"}
    else:
        files = [
            {"class": "File", "basename": name, "location": f"store://md5/{store.add_bytes(text.encode())}"}
            for name, text in content.items()
        ]
        value = {"class": "Directory", "basename": "x", "listing": files}
    made = to_dvc_data(store, value, "test")
    assert made is not None
    return made


def version(repo: Path, store: Store, contents: dict[str, Any], **more: Any) -> Version:
    """Version contents at paths."""
    versioning = Versioning(find_repository(repo), **more)
    return versioning.version_data(
        {path: data(store, content) for path, content in contents.items()}, store, message_fields=ABOUT
    )
