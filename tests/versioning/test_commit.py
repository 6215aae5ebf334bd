"""Tests of commits beside uncommitted and staged work of the user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.versioning.repository import find_repository
from airflow_mlcraft.versioning.version import Versioning
from tests.versioning.repositories import data, dvc, git, repository, version


def commits(repo: Path) -> list[str]:
    return git(repo, "log", "--format=%s").splitlines()


def test_the_message_tells_where_it_comes_from(repo: Path, store: Store) -> None:
    made = version(repo, store, {"data/raw.csv": "a\n", "models/iris": {"x": "x", "y": "yy"}})
    assert git(repo, "rev-parse", "main") == made.commit
    assert made.changed == {"data/raw.csv", "models/iris"}
    lines = git(repo, "log", "-1", "--format=%B").splitlines()
    assert lines[:4] == ["Version data/raw.csv and 1 more", "", "DAG: iris", "Run: manual__1"]
    assert lines[4] == "data/raw.csv: md5 60b725f10c9c85c70d97880dfe8191b3 (2 bytes)"
    assert lines[5].startswith("models/iris: md5 ")
    assert lines[5].endswith(".dir (2 files, 3 bytes)")
    assert git(repo, "log", "-1", "--format=%an %ae") == "Tester tester@example.org"


def test_nothing_new_is_no_commit(repo: Path, store: Store) -> None:
    first = version(repo, store, {"a": "1", "b": "2"})
    again = version(repo, store, {"a": "1"})
    assert (again.commit, again.changed) == (first.commit, frozenset())
    then = version(repo, store, {"a": "1", "b": "3"})
    assert then.changed == {"b"}
    assert commits(repo) == ["Version b", "Version a and 1 more", "Start"]
    assert git(repo, "show", "--name-only", "--format=") == "b.dvc"


def test_without_a_name_the_author_is_us(repo: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    version(repo, store, {"a": "1"})
    assert git(repo, "log", "-1", "--format=%an <%ae> %cn") == "MLcraft <mlcraft@localhost> MLcraft"


def test_staged_changes_stay_staged_and_edits_stay_edits(repo: Path, store: Store) -> None:
    for name in ("staged", "edited", ".gitignore"):
        (repo / name).write_text("one\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "Mine")
    (repo / "staged").write_text("two\n")
    (repo / "new").write_text("new\n")
    (repo / ".gitignore").write_text("one\ntwo\n")
    git(repo, "add", "staged", "new", ".gitignore")
    (repo / "edited").write_text("two\n")
    (repo / ".gitignore").write_text("one\ntwo\nthree")
    version(repo, store, {"a": "1"})
    assert git(repo, "show", "--name-only", "--format=").splitlines() == [".gitignore", "a.dvc"]
    assert git(repo, "show", "HEAD:.gitignore") == "one\n/a"
    assert git(repo, "show", ":.gitignore") == "one\ntwo\n/a"
    assert (repo / ".gitignore").read_text() == "one\ntwo\nthree\n/a\n"
    status = git(repo, "status", "--porcelain").splitlines()
    assert sorted(status) == [" M edited", "A  new", "M  staged", "MM .gitignore"]


def test_an_edit_in_the_same_instant_as_the_index_is_seen(repo: Path, store: Store) -> None:
    """Git tells such an edit by the time of its index, where clocks of files are coarse."""
    git(repo, "config", "core.checkStat", "minimal")
    git(repo, "config", "core.trustctime", "false")
    edited, instant = repo / "edited", (1_700_000_000, 1_700_000_000)
    for text in ("one\n", "two\n"):
        edited.write_text(text)
        os.utime(edited, instant)
        if text == "one\n":
            git(repo, "add", "edited")
            git(repo, "commit", "--quiet", "-m", "Mine")
    os.utime(repo / ".git" / "index", instant)
    version(repo, store, {"a": "1"})
    assert git(repo, "status", "--porcelain") == " M edited"


def test_a_pointer_that_the_user_has_edited_stays(repo: Path, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    version(repo, store, {"a": "1", "b": "1"})
    (repo / "a.dvc").write_text("mine")
    version(repo, store, {"a": "2", "b": "2"})
    assert (repo / "a.dvc").read_text() == "mine"
    assert "c81e728d9d4c2f636f067f89cc14862c" in git(repo, "show", "HEAD:a.dvc")
    assert git(repo, "status", "--porcelain") == " M a.dvc"
    assert "a.dvc has changes of yours" in caplog.text


def test_a_branch_without_a_commit(tmp_path: Path, store: Store) -> None:
    repo = tmp_path / "fresh"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    dvc(repo, "init", "--quiet")
    dvc(repo, "remote", "add", "--quiet", "-d", "there", str(tmp_path / "remote"))
    version(repo, store, {"a": "1"})
    assert commits(repo) == ["Version a"]
    assert git(repo, "status", "--porcelain") == ""
    git(tmp_path, "clone", "--quiet", str(repo), "clone")
    dvc(tmp_path / "clone", "pull")
    assert (tmp_path / "clone" / "a").read_text() == "1"


def test_a_dvc_repository_in_a_folder_of_the_git_repository(tmp_path: Path, store: Store) -> None:
    inner = repository(tmp_path / "mono", below="team")
    assert find_repository(inner).prefix == "team/"
    version(inner, store, {"data/a": "1"})
    assert git(tmp_path / "mono", "show", "--name-only", "--format=").splitlines() == [
        "team/data/.gitignore",
        "team/data/a.dvc",
    ]
    assert dvc(inner, "status") == "Data and pipelines are up to date.\n"


def test_a_linked_work_tree(repo: Path, store: Store, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "tree"))
    version(tmp_path / "tree", store, {"a": "1"})
    assert git(repo, "log", "-1", "--format=%s", "other") == "Version a"
    assert commits(repo) == ["Start"]
    assert git(tmp_path / "tree", "status", "--porcelain") == ""


def test_the_environment_of_a_hook_leads_nowhere_else(
    repo: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    version(repo, store, {"a": "1"})
    monkeypatch.undo()
    assert commits(repo) == ["Version a", "Start"]


@pytest.mark.parametrize(
    ("origin", "page"),
    [
        ("https://github.com/team/iris.git", "https://github.com/team/iris/commit/"),
        ("git@gitlab.com:team/iris.git", "https://gitlab.com/team/iris/-/commit/"),
        ("https://me:word@dagshub.com/team/iris", "https://dagshub.com/team/iris/commit/"),
        ("/srv/git/iris.git", ""),
        ("https://git.example/iris.git", ""),
    ],
)
def test_the_page_of_a_commit(origin: str, page: str, repo: Path, store: Store) -> None:
    git(repo, "remote", "add", "origin", origin)
    made = version(repo, store, {"a": "1"})
    assert made.page == (page and page + made.commit)
    assert made.repository == "iris"


def test_another_try_of_the_same_run(repo: Path, store: Store) -> None:
    """The first try has committed, and was killed before it reported success."""
    contents = {"a": data(store, "1"), "b": data(store, "1")}
    versioning = Versioning(find_repository(repo))
    versioning.version_data({"b": contents["b"]}, store, message_fields={"Run": "before"})
    versioning.version_data(contents, store, message_fields={"Run": "this"})
    again = versioning.version_data(contents, store, message_fields={"Run": "this"}, is_retry=True)
    assert again.changed == {"a"}
    assert (
        versioning.version_data(contents, store, message_fields={"Run": "another"}, is_retry=True).changed
        == frozenset()
    )


# ---- Who else is at work


def test_git_is_waited_for(repo: Path, store: Store) -> None:
    lock = repo / ".git" / "index.lock"
    lock.touch()
    threading.Timer(0.5, lock.unlink).start()
    begun = time.monotonic()
    version(repo, store, {"a": "1"})
    assert time.monotonic() - begun >= 0.4
    assert commits(repo) == ["Version a", "Start"]


def test_a_lock_that_git_left_is_said(repo: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_mlcraft.versioning.commit._INDEX_LOCK_TIMEOUT", 0.2)
    (repo / ".git" / "index.lock").touch()
    with pytest.raises(VersioningError, match=r"index\.lock has been there .* remove the file") as caught:
        version(repo, store, {"a": "1"})
    assert caught.value.temporary
    assert commits(repo) == ["Start"]


KILLED = """
import os, sys
from pathlib import Path
from airflow_mlcraft.common.locks import locked
from airflow_mlcraft.versioning.commit import lock_index
git = Path(sys.argv[1])
with locked(git / "mlcraft.lock") as note, lock_index(git, note):
    os.kill(os.getpid(), 9)
"""


def test_a_lock_of_ours_does_not_outlive_its_process(repo: Path, store: Store) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(repo / ".git")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (repo / ".git" / "index.lock").exists()
    version(repo, store, {"a": "1"})
    assert commits(repo) == ["Version a", "Start"]
    assert git(repo, "status", "--porcelain") == ""


def test_a_commit_of_somebody_else_comes_first(repo: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Just before the branch would move, it moves elsewhere."""
    from airflow_mlcraft.versioning import commit

    stage, tries = commit.lock_index, []

    def lock_after_commits(*given: object) -> object:
        tries.append(1)
        if len(tries) <= 2:
            git(repo, "commit", "--quiet", "--allow-empty", "-m", f"Theirs {len(tries)}")
        return stage(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(commit, "lock_index", lock_after_commits)
    version(repo, store, {"a": "1"})
    assert commits(repo) == ["Version a", "Theirs 2", "Theirs 1", "Start"]
    assert git(repo, "status", "--porcelain") == ""


AT_ONCE = """
import sys
from pathlib import Path
from airflow_mlcraft.store.store import Store
from tests.versioning.repositories import version
repo, store, name = Path(sys.argv[1]), Store(sys.argv[2]), sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    version(repo, store, {f"data/{name}{number}": f"{name} {number}", f"{name}/latest": f"{name} {number}"})
"""


def test_two_processes_at_once_twenty_times(repo: Path, store: Store) -> None:
    names = ["left", "right"]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, str(repo), str(store.root), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for name in names
    ]
    for process in both:
        assert process.stdout is not None
        process.stdout.readline()
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "Mine, meanwhile")
    assert [process.wait(240) for process in both] == [0, 0]
    assert len(commits(repo)) == 42
    assert git(repo, "rev-list", "--min-parents=2", "HEAD") == ""
    assert git(repo, "status", "--porcelain") == ""
    assert git(repo, "fsck", "--no-dangling") == ""
    oids = {path: store.add_bytes(text.encode()) for name in names for number in range(20) for path, text in (
        (f"data/{name}{number}", f"{name} {number}"), (f"{name}/latest", f"{name} 19"))}  # fmt: skip
    for path, oid in oids.items():
        assert f"md5: {oid}\n" in git(repo, "show", f"HEAD:{path}.dvc") + "\n"
        assert (repo / path).read_bytes() == store.path_of(oid).read_bytes()
    ignored = git(repo, "show", "HEAD:data/.gitignore").splitlines()
    assert sorted(ignored) == sorted(f"/{path[5:]}" for path in oids if path.startswith("data/"))
    assert dvc(repo, "status") == "Data and pipelines are up to date.\n"
