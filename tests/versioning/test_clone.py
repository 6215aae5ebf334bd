"""Tests of a repository named by its URL: cloned, updated, and pushed to."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.versioning.clone import Origin, open_clone
from airflow_mlcraft.versioning.version import Version, Versioning
from tests.versioning.repositories import ABOUT, data, git


@pytest.fixture
def origin(repo: Path, tmp_path: Path) -> Path:
    """A bare repository, as on a git server."""
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "iris.git")
    return tmp_path / "iris.git"


def version(origin: Path, clones: Path, store: Store, contents: dict[str, str]) -> Version:
    clone = open_clone(Origin(origin.as_uri()), clones)
    versioning = Versioning(clone.repository, checkout=False, clone=clone)
    return versioning.version_data(
        {path: data(store, text) for path, text in contents.items()}, store, message_fields=ABOUT
    )


def test_the_commit_is_at_the_origin(origin: Path, repo: Path, store: Store, tmp_path: Path) -> None:
    made = version(origin, tmp_path / "clones", store, {"a": "1"})
    assert git(origin, "rev-parse", "main") == made.commit
    assert made.repository == "iris"
    again = version(origin, tmp_path / "clones", store, {"a": "1"})
    assert again.changed == frozenset()
    git(repo, "pull", "--quiet", str(origin), "main")
    assert (repo / "a.dvc").is_file()


def test_what_others_pushed_stays(origin: Path, repo: Path, store: Store, tmp_path: Path) -> None:
    version(origin, tmp_path / "one", store, {"a": "1"})
    version(origin, tmp_path / "two", store, {"b": "1"})
    version(origin, tmp_path / "one", store, {"c": "1"})
    assert git(origin, "log", "--format=%s", "main").splitlines() == ["Version c", "Version b", "Version a", "Start"]


AT_ONCE = """
import sys
import time
from pathlib import Path
from airflow_mlcraft.store.store import Store
from tests.versioning.test_clone import version
for number in range(5):
    version(Path(sys.argv[1]), Path(sys.argv[2]), Store(sys.argv[3]), {f"{sys.argv[4]}{number}": "1"})
"""


def test_two_machines_at_once(origin: Path, store: Store, tmp_path: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, str(origin), str(tmp_path / name), str(store.root), name],
            cwd=Path(__file__).parents[2],
        )
        for name in ("one", "two")
    ]
    assert [process.wait(120) for process in both] == [0, 0]
    assert git(origin, "rev-list", "--min-parents=2", "main") == ""
    found = git(origin, "ls-tree", "--name-only", "main").splitlines()
    assert {f"{name}{number}.dvc" for name in ("one", "two") for number in range(5)} <= set(found)


def test_an_origin_that_takes_no_commits(origin: Path, store: Store, tmp_path: Path) -> None:
    version(origin, tmp_path / "clones", store, {"a": "1"})
    hook = origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(VersioningError, match="git push in .* failed: .*not today") as caught:
        version(origin, tmp_path / "clones", store, {"b": "1"})
    assert caught.value.temporary
    hook.unlink()
    version(origin, tmp_path / "clones", store, {"b": "1"})
    assert git(origin, "log", "--format=%s", "main").splitlines() == ["Version b", "Version a", "Start"]


def test_an_origin_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(VersioningError, match="git clone in .* failed"):
        open_clone(Origin((tmp_path / "gone").as_uri()), tmp_path / "clones")


def test_a_password_is_nowhere_to_be_seen() -> None:
    origin = Origin("https://me:pass%20word@git.example/team/iris.git")
    assert origin.public_url == "https://git.example/team/iris.git"
    assert origin.git_config() == {"http.https://git.example/.extraHeader": "Authorization: Basic bWU6cGFzcyB3b3Jk"}
    with_token = Origin("https://git.example/iris.git", password="token")
    assert "token" not in repr(with_token)
    assert list(with_token.git_config()) == ["http.https://git.example/.extraHeader"]
    assert Origin("git@git.example:team/iris.git", "me", "pass").git_config() == {}


def test_a_git_that_hangs_is_ended_with_what_it_has_started(repo: Path) -> None:
    """The filter of a file stands in for a remote: git waits for it, and it for nobody."""
    pid = repo.parent / "pid"
    git(repo, "config", "filter.hang.clean", f"sh -c 'echo $$ > {pid}; exec sleep 1000'")
    (repo / ".gitattributes").write_text("*.bin filter=hang\n")
    (repo / "a.bin").write_text("a")
    program = (
        "import sys; from pathlib import Path; from airflow_mlcraft.versioning import git\n"
        "git._LOCAL_TIMEOUT = 2.0\n"
        "from airflow_mlcraft.errors import VersioningError\n"
        "try: git.Git(Path(sys.argv[1])).run('add', 'a.bin')\n"
        "except VersioningError as error: print(error.temporary, error)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(repo)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True git add in")
    assert "ended after 2 s" in done.stdout
    wait_until_gone(int(pid.read_text()))


def wait_until_gone(pid: int) -> None:
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
