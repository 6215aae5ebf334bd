"""Working folders go away with the block, or with the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.work import WorkFolder, sweep, unique_name

WORK = """
import sys
from airflow_mlcraft.store.work import WorkFolder
with WorkFolder(sys.argv[1]) as folder:
    (folder / "file").write_text("x")
    print(folder, flush=True)
    sys.stdin.readline()
"""


def test_removed_with_all_that_is_read_only(tmp_path: Path) -> None:
    store = Store(tmp_path)
    oid = store.keep_bytes(b"hello")
    with WorkFolder(tmp_path) as folder:
        assert folder.parent == tmp_path / "tmp"
        inner = folder / "a" / "b"
        inner.mkdir(parents=True)
        store.link(oid, inner / "linked")
        (folder / "out").symlink_to(tmp_path / "files")
        inner.chmod(0o555)
        inner.parent.chmod(0o000)
    assert not folder.exists()
    assert store.path_of(oid).stat().st_mode & 0o777 == 0o444


def test_swept_when_its_process_is_dead(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().rstrip("\n"))
    sweep(tmp_path)
    assert folder.exists(), "its process lives"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    elsewhere = tmp_path / "tmp" / f"another-host-{process.pid}-00"
    strange = tmp_path / "tmp" / "notes"
    for path in (elsewhere, strange):
        path.mkdir()
    with WorkFolder(tmp_path) as mine:
        assert not folder.exists()
        assert elsewhere.exists()
        assert strange.exists()
        assert mine.exists()


def test_names_tell_whose_they_are() -> None:
    assert unique_name().split("-")[-2] == str(os.getpid())
    assert unique_name() != unique_name()


def test_nothing_to_sweep(tmp_path: Path) -> None:
    sweep(tmp_path / "missing")
