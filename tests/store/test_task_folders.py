"""Tests of working folders: they are removed at the end of the block, or after the death of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.task_folders import LEASE, WorkFolder, remove_stale_folders, unique_name

WORK = """
import sys
from airflow_mlcraft.store.task_folders import WorkFolder
with WorkFolder(sys.argv[1]) as folder:
    (folder / "file").write_text("x")
    print(folder, flush=True)
    sys.stdin.readline()
"""


def test_removed_with_all_that_is_read_only(tmp_path: Path) -> None:
    store = Store(tmp_path)
    oid = store.add_bytes(b"hello")
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
    remove_stale_folders(tmp_path)
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


@pytest.fixture
def other_boot(tmp_path: Path) -> Callable[..., list[str]]:
    """Run a command as on another machine of the same name: another boot id, over the system's own."""
    boot = tmp_path / "boot_id"
    boot.write_text("11111111-2222-3333-4444-555555555555\n")
    mount = f"mount --bind {boot} /proc/sys/kernel/random/boot_id"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    return lambda *command: ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", *command]


def test_a_machine_of_the_same_name_keeps_its_folder_while_it_is_renewed(
    tmp_path: Path, other_boot: Callable[..., list[str]]
) -> None:
    """Its process is dead here, as every process of another machine is."""
    root = tmp_path / "store"
    command = other_boot(sys.executable, "-c", WORK, str(root))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().rstrip("\n"))
    process.kill()
    process.communicate()
    remove_stale_folders(root)
    assert folder.is_dir(), "by its number the process is dead, but it is not one of this machine"
    old = time.time() - LEASE - 3600
    os.utime(folder, (old, old))
    remove_stale_folders(root)
    assert not folder.exists(), "a lease that is not renewed for a day"


def test_a_lease_is_renewed_while_the_folder_is_worked_in(tmp_path: Path) -> None:
    program = f"from airflow_mlcraft.store import task_folders; task_folders._RENEWAL_SECONDS = 0.05\n{WORK}"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().rstrip("\n"))
    os.utime(folder, (0, 0))
    for _ in range(600):
        if folder.stat().st_mtime > 0:
            break
        time.sleep(0.05)
    assert folder.stat().st_mtime > time.time() - 3600
    process.communicate("\n")
    assert not folder.exists()


def test_a_process_of_the_same_number_that_began_later_is_another(tmp_path: Path) -> None:
    host, process, _ = unique_name().split("-")
    pid = process.partition(".")[0]
    earlier, mine = (tmp_path / "tmp" / f"{host}-{pid}.{begin}-{'0' * 16}" for begin in ("1", process.split(".")[1]))
    for path in (earlier, mine):
        path.mkdir(parents=True)
    remove_stale_folders(tmp_path)
    assert not earlier.exists()
    assert mine.exists()


def test_names_tell_whose_they_are() -> None:
    assert unique_name().split("-")[-2].partition(".")[0] == str(os.getpid())
    assert unique_name() != unique_name()


def test_nothing_to_sweep(tmp_path: Path) -> None:
    remove_stale_folders(tmp_path / "missing")
