"""Data in a work folder as a pointer and a commit: against `dvc add` with its defaults, and `git commit`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import ROOT, Figure, environment, median, ratio
from bench.runners import BIN

ROUNDS = 3
LARGE = 2 << 30
MANY = 20_000
_BLOCK = 1 << 24

# The work of a run, in a process of its own: into the store, and then the version.
_OURS = """
import sys
from pathlib import Path
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.versioning.targets import to_dvc_data
from airflow_mlcraft.versioning.repository import find_repository
from airflow_mlcraft.versioning.version import Versioning
data, store, repo = Path(sys.argv[1]), Store(sys.argv[2]), Path(sys.argv[3])
keep = store.add_folder if data.is_dir() else store.add_file
kind = "Directory" if data.is_dir() else "File"
value = {"class": kind, "basename": data.name, "location": "store://md5/" + keep(data, hand_over=True)}
versioning = Versioning(find_repository(repo))
made = versioning.version_data({"data": to_dvc_data(store, value, "data")}, store, message_fields={"DAG": "bench"})
assert made.changed
"""


def figures() -> list[Figure]:
    """The figures; both sides hash the same bytes, put them into DVC's cache and into the repository, and commit."""
    with TemporaryDirectory(prefix="bench-versioning-", dir=os.environ.get("MLCRAFT_BENCH_FOLDER")) as name:
        home = Path(name)
        env = environment(home, DVC_NO_ANALYTICS="1", DVC_SITE_CACHE_DIR=str(home / "site"))
        return [
            *_compared(home, env, f"{LARGE >> 30} GB in one file", _one_large_file),
            *_compared(home, env, f"{MANY:,} small files", _many_small_files),
        ]


def _compared(home: Path, env: dict[str, str], label: str, make: Callable[[Path], None]) -> list[Figure]:
    sides = {"ours": "", "dvc": "", "dvc, hardlinks": "hardlink,copy"}
    seconds_by_side: dict[str, list[float]] = {side: [] for side in sides}
    make(home / "original")
    for _ in range(ROUNDS):
        for side, links in sides.items():
            seconds_by_side[side].append(_once(home, env, links, ours=side == "ours"))
    _remove(home / "original")
    ours, theirs, linked = seconds_by_side["ours"], seconds_by_side["dvc"], seconds_by_side["dvc, hardlinks"]
    return [
        Figure(
            f"versioning {label} / `dvc add` and `git commit`",
            ratio(ours, theirs),
            "≤ 0.6",
            f"{median(ours):.1f} s / {median(theirs):.1f} s",
        ),
        Figure(
            "the same / `dvc add` with `cache.type` hardlink",
            ratio(ours, linked),
            "",
            f"{median(ours):.1f} s / {median(linked):.1f} s",
        ),
    ]


def _once(home: Path, env: dict[str, str], links: str, *, ours: bool) -> float:
    """The seconds with new files and a new repository, after all writes are on the disk."""
    round_ = home / "round"
    repo, work = round_ / "repo", round_ / "work"
    work.mkdir(parents=True)
    repo.mkdir()
    dvc = str(BIN / "dvc")
    for command in (["git", "init", "--quiet"], [dvc, "init", "--quiet"], ["git", "commit", "--quiet", "-m", "Start"]):
        subprocess.run(command, cwd=repo, env=env, check=True)
    if links:
        subprocess.run([dvc, "config", "cache.type", links], cwd=repo, env=env, check=True)
    data = (work if ours else repo) / "data"
    (shutil.copytree if (home / "original").is_dir() else shutil.copyfile)(home / "original", data)
    os.sync()
    commands = (
        [[sys.executable, "-c", _OURS, str(data), str(round_ / "store"), str(repo)]]
        if ours
        else [
            [dvc, "add", "--quiet", "data"],
            ["git", "add", "data.dvc", ".gitignore"],
            ["git", "commit", "-qm", "Data"],
        ]
    )
    started = time.perf_counter()
    for command in commands:
        subprocess.run(command, cwd=ROOT if ours else repo, env=env, check=True)
    seconds = time.perf_counter() - started
    log = subprocess.run(["git", "log", "--format=%h", "--", "data.dvc"], cwd=repo, check=True, capture_output=True)
    assert log.stdout.strip(), "the pointer is committed"
    _remove(round_)
    return seconds


def _one_large_file(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(LARGE // _BLOCK):
            file.write(os.urandom(_BLOCK))


def _many_small_files(path: Path) -> None:
    for number in range(MANY):
        folder = path / f"{number % 100:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.txt").write_bytes(os.urandom(512).hex().encode())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
