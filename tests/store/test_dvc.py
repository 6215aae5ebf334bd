"""Tests of compatibility with DVC: DVC reads what the store wrote, and the store reads what DVC wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from airflow_mlcraft.store.object_paths import Entry, build_dir_object
from airflow_mlcraft.store.store import Store


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    (tmp_path / "repo").mkdir()
    monkeypatch.chdir(tmp_path / "repo")
    return Repo.init(no_scm=True)


@pytest.fixture
def store(repo: Repo) -> Store:
    return Store(Path(repo.root_dir) / ".dvc" / "cache")


def pointer(name: str, oid: str, **fields: int) -> None:
    out = {"md5": oid, "hash": "md5", "path": name, **fields}
    with Path(f"{name}.dvc").open("w") as file:
        YAML(typ="safe").dump({"outs": [out]}, file)


def hash_in(name: str) -> str:
    return str(YAML(typ="safe").load(Path(f"{name}.dvc"))["outs"][0]["md5"])


def sample(folder: Path) -> dict[str, bytes]:
    files = {
        "b": b"b", "a/x": b"x\r\n", "a/y z": b"", "a-b": b"1", "A": os.urandom(3 << 20),
        "big": b"2" * (3 << 20),
        "ž%20#?": b"odd", "'q\"\\": b"quotes", "日本/語": b"n",
    }  # fmt: skip
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return files


def test_dvc_checks_out_what_the_store_kept(repo: Repo, store: Store, tmp_path: Path) -> None:
    files = sample(tmp_path / "given")
    pointer("folder", store.add_folder(tmp_path / "given", hand_over=True), nfiles=len(files))
    pointer("file", store.add_file(tmp_path / "given" / "A"))
    pointer("empty", store.add_bytes(b""))
    (tmp_path / "nothing").mkdir()
    pointer("nothing", store.add_folder(tmp_path / "nothing"))
    repo.checkout()
    for name, data in files.items():
        assert (Path("folder") / name).read_bytes() == data
    assert Path("file").read_bytes() == files["A"]
    assert Path("empty").read_bytes() == b""
    assert not list(Path("nothing").iterdir())
    assert repo.status() == {}


def test_dvc_add_gives_the_same_names(repo: Repo, store: Store, tmp_path: Path) -> None:
    sample(Path("folder"))
    Path("file").write_bytes(b"data\n")
    kept = store.add_folder("folder"), store.add_file("file")
    repo.add(["folder", "file"])
    assert (hash_in("folder"), hash_in("file")) == kept


def test_the_store_reads_what_dvc_added(repo: Repo, store: Store, tmp_path: Path) -> None:
    files = sample(Path("folder"))
    repo.add("folder")
    oid = hash_in("folder")
    assert {entry.relpath for entry in store.entries(oid)} == set(files)
    before = store.path_of(oid).stat()
    store.checkout(oid, tmp_path / "out")
    for name, data in files.items():
        assert (tmp_path / "out" / name).read_bytes() == data
    assert store.add_folder("folder") == oid
    assert store.path_of(oid).stat().st_ino == before.st_ino, "DVC's own object was sound, and stays"


def test_dvc_pulls_from_our_remote_and_we_from_its(repo: Repo, tmp_path: Path) -> None:
    url = f"{tmp_path}/remote"
    with repo.config.edit() as config:
        config["remote"]["shared"] = {"url": url}
        config["core"]["remote"] = "shared"
    repo.close()
    files = sample(tmp_path / "given")
    elsewhere = Store(tmp_path / "elsewhere", remote=f"file://{url}")
    pointer("folder", elsewhere.add_folder(tmp_path / "given"), nfiles=len(files))
    with Repo() as fresh:
        fresh.pull()
        assert Path("folder/A").read_bytes() == files["A"]
        Path("added").write_bytes(b"added")
        fresh.add("added")
        fresh.push()
    assert elsewhere.path_of(hash_in("added")).read_bytes() == b"added"


def test_dvc_gc_leaves_what_is_in_use(repo: Repo, store: Store, tmp_path: Path) -> None:
    from airflow_mlcraft.store.task_folders import WorkFolder

    sample(tmp_path / "given")
    oid, unused = store.add_folder(tmp_path / "given"), store.add_bytes(b"unused")
    pointer("folder", oid)
    with WorkFolder(store.root) as folder:
        (folder / "result").write_bytes(b"x")
        repo.gc(workspace=True, force=True)
        assert (folder / "result").exists()
    assert unused not in store
    store.checkout(oid, tmp_path / "out")


def test_listings_are_written_as_dvc_data_writes_them() -> None:
    from dvc_data.hashfile.tree import Tree

    entries = [Entry(name, f"{number:032x}") for number, name in enumerate(["b/a", "b", "ž", "b-", "\udce9", '"'])]
    tree = Tree.from_list([{"relpath": entry.relpath, "md5": entry.md5} for entry in entries])
    assert build_dir_object(entries) == tree.as_bytes()
