"""Tests of the store: objects are complete, stored once, and safe under concurrent use."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store.object_paths import Entry
from airflow_mlcraft.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "plain",
    "with space",
    "per%20cent",
    "ha#sh",
    "qu?ery",
    "žluťoučký",
    "日本",
    "-dash",
    "new\nline",
    "'q\"q",
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def list_temporary_files(store: Store) -> list[Path]:
    folder = store.root / "tmp"
    return list(folder.iterdir()) if folder.exists() else []


def write(path: Path, data: bytes = b"hello") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_kept_file_lies_where_dvc_looks_for_it(store: Store, tmp_path: Path) -> None:
    oid = store.add_file(write(tmp_path / "a"))
    assert oid == md5(b"hello")
    path = store.path_of(oid)
    assert path == store.root / "files" / "md5" / oid[:2] / oid[2:]
    assert path.read_bytes() == b"hello"
    assert mode(path) == 0o444
    assert oid in store
    assert not list_temporary_files(store)


def test_a_file_stays_its_owners(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "a")
    file.chmod(0o640)
    oid = store.add_file(file)
    assert mode(file) == 0o640
    assert file.stat().st_nlink == 1
    file.write_bytes(b"other")
    assert store.path_of(oid).read_bytes() == b"hello"


def test_a_file_handed_over_becomes_the_object(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "a")
    oid = store.add_file(file, hand_over=True)
    assert file.samefile(store.path_of(oid))
    assert mode(file) == 0o444


def test_what_has_other_names_is_not_taken_over(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "a")
    os.link(file, tmp_path / "b")
    (tmp_path / "c").symlink_to(file)
    for name in ("a", "c"):
        oid = store.add_file(tmp_path / name, hand_over=True)
        assert not file.samefile(store.path_of(oid))
    assert mode(file) & 0o200


def test_a_link_is_kept_as_what_it_points_to(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "a")
    (tmp_path / "link").symlink_to("a")
    assert store.path_of(store.add_file(tmp_path / "link")).read_bytes() == b"hello"
    assert not store.path_of(md5(b"hello")).is_symlink()


@pytest.mark.parametrize("name", NAMES)
def test_any_name_will_do(store: Store, tmp_path: Path, name: str) -> None:
    write(tmp_path / "tree" / name / name, name.encode())
    assert store.add_file(tmp_path / "tree" / name / name) == md5(name.encode())
    tree = store.add_folder(tmp_path / "tree")
    assert store.entries(tree) == [Entry(f"{name}/{name}", md5(name.encode()))]
    store.checkout(tree, tmp_path / "out")
    assert (tmp_path / "out" / name / name).read_bytes() == name.encode()


def test_names_that_are_not_unicode(store: Store, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    write(tmp_path / "tree" / name)
    store.checkout(store.add_folder(tmp_path / "tree"), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_bytes_and_empty_files(store: Store, tmp_path: Path) -> None:
    assert store.path_of(store.add_bytes(b"abc")).read_bytes() == b"abc"
    empty = store.add_file(write(tmp_path / "empty", b""))
    assert store.add_bytes(b"") == empty
    store.link(empty, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b""


def test_links_and_copies(store: Store, tmp_path: Path) -> None:
    oid = store.add_bytes(b"hello")
    store.link(oid, tmp_path / "linked")
    assert (tmp_path / "linked").samefile(store.path_of(oid))
    store.copy(oid, tmp_path / "copied")
    assert mode(tmp_path / "copied") & 0o600 == 0o600
    (tmp_path / "copied").write_bytes(b"mine")
    assert store.path_of(oid).read_bytes() == b"hello"
    for put in (store.link, store.copy):
        with pytest.raises(StoreError, match="exists"):
            put(oid, tmp_path / "copied")
    assert (tmp_path / "copied").read_bytes() == b"mine"


def test_copies_where_links_are_refused(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "copy_file_range", refuse)
    file = write(tmp_path / "a")
    oid = store.add_file(file, hand_over=True)
    assert file.stat().st_nlink == 1
    assert mode(file) & 0o200
    store.link(oid, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"hello"
    assert mode(tmp_path / "out") == 0o444


def test_a_folder(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "d" / "b", b"b")
    write(tmp_path / "d" / "a" / "x", b"x")
    (tmp_path / "d" / "link").symlink_to("b")
    (tmp_path / "d" / "linked-folder").symlink_to("a")
    tree = store.add_folder(tmp_path / "d")
    assert [entry.relpath for entry in store.entries(tree)] == ["a/x", "b", "link", "linked-folder/x"]
    store.checkout(tree, tmp_path / "out")
    assert (tmp_path / "out" / "linked-folder" / "x").samefile(store.path_of(md5(b"x")))
    assert mode(tmp_path / "d" / "b") & 0o200


def test_a_folder_handed_over(store: Store, tmp_path: Path) -> None:
    other = write(tmp_path / "other" / "o", b"o")
    file = write(tmp_path / "d" / "b", b"b")
    (tmp_path / "d" / "link").symlink_to(other)
    (tmp_path / "d" / "folder").symlink_to(other.parent)
    store.add_folder(tmp_path / "d", hand_over=True)
    assert file.samefile(store.path_of(md5(b"b")))
    assert mode(other) & 0o200
    assert other.stat().st_nlink == 1


def test_folders_that_cannot_be_kept(store: Store, tmp_path: Path) -> None:
    (tmp_path / "d" / "inner").mkdir(parents=True)
    loop = tmp_path / "d" / "inner" / "loop"
    loop.symlink_to(tmp_path / "d")
    with pytest.raises(StoreError, match="around itself"):
        store.add_folder(tmp_path / "d")
    loop.unlink()
    loop.symlink_to("nowhere")
    with pytest.raises(StoreError, match="leads nowhere"):
        store.add_folder(tmp_path / "d")
    loop.unlink()
    os.mkfifo(loop)
    with pytest.raises(StoreError, match="not a regular file"):
        store.add_folder(tmp_path / "d")
    with pytest.raises(StoreError, match="no folder"):
        store.add_folder(tmp_path / "missing")
    with pytest.raises(StoreError, match="missing"):
        store.add_file(tmp_path / "missing")
    with pytest.raises(StoreError, match="is a folder"):
        store.add_file(tmp_path / "d")


def test_many_files(store: Store, tmp_path: Path) -> None:
    for number in range(5000):
        folder = tmp_path / "d" / str(number % 50)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(number)).write_bytes(str(number % 4000).encode())
    tree = store.add_folder(tmp_path / "d", hand_over=True)
    assert len(store.entries(tree)) == 5000
    store.checkout(tree, tmp_path / "out")
    assert (tmp_path / "out" / "49" / "4999").read_bytes() == b"999"
    assert not list_temporary_files(store)


def test_large_files_are_hashed_in_parallel(store: Store, tmp_path: Path) -> None:
    contents = [bytes([number]) * (3 << 20) for number in range(4)]
    for number, data in enumerate(contents):
        write(tmp_path / "d" / str(number), data)
    tree = store.add_folder(tmp_path / "d")
    assert [entry.md5 for entry in store.entries(tree)] == [md5(data) for data in contents]


def test_a_damaged_object_is_replaced(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "a")
    path = store.path_of(store.add_file(file))
    path.chmod(0o644)
    path.write_bytes(b"he")
    path.chmod(0o444)
    store.add_file(file)
    assert path.read_bytes() == b"hello"
    # One that was never finished, by its mode, may have the right size and the wrong bytes.
    path.unlink()
    path.write_bytes(b"\0" * 5)
    store.add_bytes(b"hello")
    assert path.read_bytes() == b"hello"
    assert mode(path) == 0o444


def test_an_object_that_is_nowhere(store: Store) -> None:
    oid = md5(b"never")
    assert oid not in store
    with pytest.raises(StoreError, match=rf"{oid} is not in the store at {store.root}.*no remote"):
        store.path_of(oid)


@pytest.mark.parametrize("oid", ["", "../../etc/passwd", "ab/../../..", "A" * 32, "0" * 31, "0" * 32 + ".dirx"])
def test_names_that_name_no_object(store: Store, oid: str) -> None:
    assert oid not in store
    with pytest.raises(StoreError, match="does not name an object"):
        store.path_of(oid)


OUTSIDE = (b"../a", b"/a", b"a//b", b"a/..")
LISTINGS = [b"", b"{}x", b"[1]", b'[{"relpath": "a"}]', b'{"a": 1}']
LISTINGS += [b'[{"relpath": "%s", "md5": "%s"}]' % (path, b"0" * 32) for path in OUTSIDE]


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_listing_cannot_lead_out_of_its_folder(store: Store, tmp_path: Path, listing: bytes) -> None:
    oid = md5(listing) + ".dir"
    write(store.root / "files" / "md5" / oid[:2] / oid[2:], listing)
    with pytest.raises(StoreError, match="damaged"):
        store.checkout(oid, tmp_path / "out")


def test_a_file_is_not_a_folder(store: Store) -> None:
    with pytest.raises(StoreError, match="not a folder"):
        store.entries(store.add_bytes(b"x"))


def test_what_is_known_is_not_hashed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oid = store.add_bytes(b"hello")
    store.link(oid, tmp_path / "linked")
    (tmp_path / "symbolic").symlink_to(store.path_of(oid))
    known = {str(tmp_path / "linked"): oid, str(tmp_path / "gone"): md5(b"never kept")}
    write(tmp_path / "gone")
    with monkeypatch.context() as patched:
        patched.setattr("airflow_mlcraft.store.store.md5_of_file", None)
        assert store.add_file(tmp_path / "linked", known=known) == oid
        assert store.add_file(tmp_path / "symbolic") == oid
    # Replaced by a tool since: it is not what was known any more.
    (tmp_path / "linked").unlink()
    write(tmp_path / "linked", b"jello")
    assert store.add_file(tmp_path / "linked", known=known) == md5(b"jello")
    assert store.add_file(tmp_path / "gone", known=known) == md5(b"hello")


def test_a_file_that_changes_meanwhile(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_mlcraft.common import hashing

    file = write(tmp_path / "a")

    def hash_then_write(path: str) -> str:
        found = hashing.md5_of_file(path)
        file.write_bytes(b"something else")
        return found

    monkeypatch.setattr("airflow_mlcraft.store.store.md5_of_file", hash_then_write)
    with pytest.raises(StoreError, match="changed while it was being kept"):
        store.add_file(file)
    assert md5(b"hello") not in store
    assert not list_temporary_files(store)


WRITER = """
import sys
from airflow_mlcraft.store.store import Store
print("ready", flush=True)
sys.stdin.readline()
store = Store(sys.argv[1])
for path in sys.argv[2:]:
    print(store.add_file(path), flush=True)
"""


def start_writer(store: Store, *paths: Path, code: str = WRITER) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", code, str(store.root), *map(str, paths)]
    process = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_nobody_else_may_write_to_what_is_kept(tmp_path: Path) -> None:
    """With the umask that most machines have."""
    before = os.umask(0o022)
    try:
        store = Store(tmp_path / "store")
        store.add_file(write(tmp_path / "a", b"hello"))
        (tmp_path / "folder").mkdir()
        write(tmp_path / "folder" / "b", b"there")
        store.add_folder(tmp_path / "folder")
    finally:
        os.umask(before)
    assert [path for path in (store.root, *store.root.rglob("*")) if mode(path) & 0o022] == []


def test_many_processes_keep_the_same(store: Store, tmp_path: Path) -> None:
    paths = [write(tmp_path / str(number), os.urandom(200_000)) for number in range(30)]
    expected = [md5(path.read_bytes()) for path in paths]
    keepers = [start_writer(store, *paths) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        outputs = list(pool.map(lambda process: process.communicate("go\n"), keepers))
    for output, errors in outputs:
        assert output.split() == expected, errors
    for oid in expected:
        assert md5(store.path_of(oid).read_bytes()) == oid
        assert mode(store.path_of(oid)) == 0o444
    assert not list_temporary_files(store)


# Copies slowly, so that there is a middle to be killed in.
SLOW = WRITER.replace(
    "print(",
    """
import os, shutil
from airflow_mlcraft.store import file_ops
def slowly(reader, writer, length):
    while data := reader.read(length):
        writer.write(data); writer.flush()
        print("copied", flush=True)
        sys.stdin.readline()
shutil.copyfileobj = slowly
file_ops._copy_in_kernel = lambda *_: None
print(""",
    1,
)


def test_killed_in_the_middle(store: Store, tmp_path: Path) -> None:
    from airflow_mlcraft.store.task_folders import WorkFolder

    file = write(tmp_path / "big", os.urandom(5 << 20))
    oid = md5(file.read_bytes())
    process = start_writer(store, file, code=SLOW)
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(3):
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "copied\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (half,) = list_temporary_files(store)
    assert 0 < half.stat().st_size < file.stat().st_size
    assert oid not in store
    assert store.add_file(file) == oid
    assert md5(store.path_of(oid).read_bytes()) == oid
    with WorkFolder(store.root):
        assert not half.exists()


FULL = WRITER.replace(
    "store = ",
    "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\nstore = ",
)


def test_no_room(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "big", os.urandom(1 << 20))
    process = start_writer(store, file, code=FULL)
    _, errors = process.communicate("go\n")
    assert process.returncode == 1
    assert f"StoreError: Cannot keep {file} in the store at {store.root}: there is no room" in errors
    assert md5(file.read_bytes()) not in store
    assert not list_temporary_files(store)
    store.add_file(file)


def test_importing_costs_nothing() -> None:
    code = (
        "import sys, airflow_mlcraft.store; before = set(sys.modules)\n"
        "import airflow_mlcraft.store.store, airflow_mlcraft.store.values, airflow_mlcraft.store.task_folders\n"
        "print(*(name.split('.')[0] for name in sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"dvc_data", "dvc_objects", "fsspec", "airflow", "cwltool", "mlflow"} & set(output.split())


def test_objects_of_another_store(store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "a").write_text("a")
    (tmp_path / "folder" / "b").write_text("b")
    tree, single = store.add_folder(tmp_path / "folder"), store.add_bytes(b"single")
    other = Store(tmp_path / "other")
    for _ in range(2):
        other.copy_from([tree, single], store)
        assert {entry.relpath for entry in other.entries(tree)} == {"deep/a", "b"}
        assert other.path_of(single).samefile(store.path_of(single))
    assert not list_temporary_files(other)


def test_a_folder_of_files_that_are_kept_already(store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "a").write_text("a")
    (tmp_path / "folder" / "b").write_text("b")
    tree = store.add_folder(tmp_path / "folder")
    assert store.add_listing(reversed(store.entries(tree))) == tree
