"""Tests of storing and staging CWL values of all shapes and names."""

from __future__ import annotations

import copy
import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from airflow_mlcraft.errors import OutputError, StoreError, UnsafeNameError
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.values import (
    EMPTY_FOLDERS,
    file_location,
    iterate_files_and_directories,
    local_path,
    oid_of,
    stage_value,
    store_value,
)

ODD = "a b%20c#d?é"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def file(at: Path, data: bytes = b"hello", **fields: Any) -> dict[str, Any]:
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_bytes(data)
    return {"class": "File", "location": f"file://{quote(str(at))}", "basename": at.name, **fields}


def test_a_file_there_and_back(store: Store, tmp_path: Path) -> None:
    given = file(
        tmp_path / ODD, checksum="sha1$abc", format="http://e/x", contents="he", nameroot="r", nameext="e",
        path=str(tmp_path / ODD), dirname=str(tmp_path),
    )  # fmt: skip
    before = copy.deepcopy(given)
    kept = store_value(store, given)
    assert kept == {
        "class": "File", "location": f"store://md5/{md5(b'hello')}", "basename": ODD, "size": 5,
        "checksum": "sha1$abc", "format": "http://e/x", "contents": "he",
    }  # fmt: skip
    assert given == before
    assert store_value(store, kept) == kept
    staged = stage_value(store, kept, tmp_path / "in put#")
    path = Path(local_path(staged))
    assert staged == {**kept, "location": file_location(path)}
    assert (path.parent, path.name) == (tmp_path / "in put#" / "0", ODD)
    assert path.is_symlink()
    assert path.read_bytes() == b"hello"


@pytest.mark.parametrize(
    "place", [{"path": "{}"}, {"location": "{}"}, {"location": "file:{}"}, {"location": "file://localhost{}"}]
)
def test_places_written_in_other_ways(store: Store, tmp_path: Path, place: dict[str, str]) -> None:
    (tmp_path / "x").write_bytes(b"hello")
    given = {"class": "File", **{key: form.format(tmp_path / "x") for key, form in place.items()}}
    assert store_value(store, given) == {
        "class": "File", "location": f"store://md5/{md5(b'hello')}", "basename": "x", "size": 5,
    }  # fmt: skip


def test_values_of_any_shape(store: Store, tmp_path: Path) -> None:
    value = {
        "list": [
            file(tmp_path / "a"),
            [file(tmp_path / "b", secondaryFiles=[file(tmp_path / "b.idx", b"i")])],
        ],
        "record": {"inner": file(tmp_path / "c"), "class": 3},
        "plain": [1, "x", None, {"y": 2.5}],
        "far": {
            "class": "File",
            "location": "https://example.org/x",
            "secondaryFiles": [file(tmp_path / "d")],
        },
    }
    kept = store_value(store, value, made_in=tmp_path)
    found = list(iterate_files_and_directories(kept))
    assert [item.get("basename") for item in found] == ["a", "b", "b.idx", "c", None, "d"]
    assert all(oid_of(item) for item in found if "basename" in item)
    assert kept["plain"] == value["plain"]
    assert kept["far"]["location"] == "https://example.org/x"
    assert (tmp_path / "a").samefile(store.path_of(md5(b"hello")))
    staged = stage_value(store, kept, tmp_path / "in")
    main, index = staged["list"][1][0], staged["list"][1][0]["secondaryFiles"][0]
    assert Path(local_path(main)).parent == Path(local_path(index)).parent
    assert (
        len({Path(local_path(item)).parent for item in iterate_files_and_directories(staged) if local_path(item)}) == 4
    )
    again = stage_value(store, kept, tmp_path / "in")
    assert local_path(again["list"][0]) != local_path(staged["list"][0])


def test_what_is_not_in_the_store_passes_unchanged(store: Store, tmp_path: Path) -> None:
    value = [
        {"class": "File", "location": "file:///x/y"},
        {"class": "Directory", "location": "http://e/d"},
        1,
    ]
    assert stage_value(store, value, tmp_path / "in") == value


def test_literals(store: Store, tmp_path: Path) -> None:
    value = {"class": "Directory", "basename": "d", "location": "_:123", "listing": [
        {"class": "File", "basename": "a", "contents": "žluť"},
        {"class": "Directory", "basename": "e", "listing": []},
        {"class": "File", "contents": ""},
        file(tmp_path / "b"),
    ]}  # fmt: skip
    kept = store_value(store, value)
    data = "žluť".encode()
    assert kept == {"class": "Directory", "basename": "d", "listing": [
        {"class": "File", "basename": "a", "location": f"store://md5/{md5(data)}", "size": len(data)},
        {"class": "Directory", "basename": "e", "listing": []},
        {"class": "File", "basename": md5(b""), "location": f"store://md5/{md5(b'')}", "size": 0},
        {"class": "File", "basename": "b", "location": f"store://md5/{md5(b'hello')}", "size": 5},
    ]}  # fmt: skip
    staged = stage_value(store, kept, tmp_path / "in")
    assert "location" not in staged
    assert Path(local_path(staged["listing"][0])).read_bytes() == data


def test_folders_and_the_empty_ones_in_them(store: Store, tmp_path: Path) -> None:
    listed = file(tmp_path / ODD / "a")
    for name in ("none", "deep/none", "e"):
        (tmp_path / ODD / name).mkdir(parents=True)
    (tmp_path / ODD / "e" / "x").write_bytes(b"x")
    given = {"class": "Directory", "location": file_location(tmp_path / ODD) + "/", "listing": [listed]}
    kept = store_value(store, given)
    assert kept == {
        "class": "Directory", "location": f"store://md5/{store.add_folder(tmp_path / ODD)}", "basename": ODD,
        EMPTY_FOLDERS: ["deep/none", "none"],
    }  # fmt: skip
    staged = stage_value(store, kept, tmp_path / "in")
    assert EMPTY_FOLDERS not in staged
    path = Path(local_path(staged))
    found = sorted(str(item.relative_to(path)) for item in path.rglob("*"))
    assert found == ["a", "deep", "deep/none", "e", "e/x", "none"]
    assert (path / "a").samefile(store.path_of(md5(b"hello")))


def test_an_empty_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    kept = store_value(store, {"class": "Directory", "path": str(tmp_path / "d")}, made_in=tmp_path)
    assert set(kept) == {"class", "location", "basename"}
    assert not list(Path(local_path(stage_value(store, kept, tmp_path / "in"))).iterdir())


def test_what_passes_through_is_not_hashed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_bytes(b"x")
    value = [file(tmp_path / "a"), {"class": "Directory", "location": file_location(tmp_path / "d")}]
    kept = store_value(store, value)
    known: dict[str, str] = {}
    staged = stage_value(store, kept, tmp_path / "in", known)
    link, folder = (Path(local_path(item)) for item in staged)
    assert known == {
        str(link): md5(b"hello"), str(link.resolve()): md5(b"hello"), str(folder / "x"): md5(b"x"),
    }  # fmt: skip
    staged.append({"class": "File", "location": file_location(link.resolve()), "basename": "renamed"})
    staged.append({"class": "File", "location": file_location(folder / "x")})
    with monkeypatch.context() as patched:
        patched.setattr("airflow_mlcraft.store.store.md5_of_file", None)
        patched.setattr("airflow_mlcraft.common.hashing.md5_of_file", None)
        through = store_value(store, staged, made_in=tmp_path, known=known)
    assert through[:2] == kept
    assert [oid_of(item) for item in through[2:]] == [md5(b"hello"), md5(b"x")]
    # A tool that adds to the folder it was given, or replaces a file in it, is seen.
    (folder / "y").write_bytes(b"y")
    (folder / "x").unlink()
    (folder / "x").write_bytes(b"z")
    changed = store_value(store, staged[1], made_in=tmp_path, known=known)
    assert [(entry.relpath, entry.md5) for entry in store.entries(oid_of(changed))] == [
        ("x", md5(b"z")),
        ("y", md5(b"y")),
    ]


@pytest.mark.parametrize("name", ["..", "a/b", "../x", ".", "/etc/passwd", "a\0b"])
def test_names_cannot_lead_out_of_the_folder(store: Store, tmp_path: Path, name: str) -> None:
    location = f"store://md5/{store.add_bytes(b'x')}"
    with pytest.raises(UnsafeNameError, match="basename"):
        stage_value(store, {"class": "File", "location": location, "basename": name}, tmp_path / "in")
    (tmp_path / "d").mkdir()
    tree = {
        "class": "Directory",
        "location": f"store://md5/{store.add_folder(tmp_path / 'd')}",
        "basename": "d",
    }
    with pytest.raises(StoreError, match=r"basename|outside"):
        stage_value(store, {**tree, EMPTY_FOLDERS: [f"../{name}"]}, tmp_path / "in")


def test_two_of_one_name(store: Store, tmp_path: Path) -> None:
    kept = store_value(store, file(tmp_path / "a"))
    with pytest.raises(StoreError, match="both named 'a'"):
        stage_value(store, {**kept, "secondaryFiles": [kept]}, tmp_path / "in")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"class": "File", "location": "file:///no/such"}, "no file /no/such"),
        ({"class": "Directory", "path": "/no/such"}, "no folder /no/such"),
        ({"class": "File", "basename": "x"}, "'x' has no location"),
        ({"class": "Directory", "basename": "x"}, "'x' has neither"),
        ({"class": "File", "location": "file://host/x"}, "another host"),
        ({"class": "File", "location": "file:///"}, "is a folder"),
    ],
)
def test_what_cannot_be_kept(store: Store, value: Any, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        store_value(store, value)


def test_only_what_was_made_in_a_folder_is_handed_over(store: Store, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    users, made = file(tmp_path / "users"), file(tmp_path / "work" / "made", b"made")
    store_value(store, [users, made], made_in=tmp_path / "work")
    assert (tmp_path / "work" / "made").samefile(store.path_of(md5(b"made")))
    assert not (tmp_path / "users").samefile(store.path_of(md5(b"hello")))
    assert os.access(tmp_path / "users", os.W_OK)


def test_a_tool_that_changes_its_inputs_gets_copies(store: Store, tmp_path: Path) -> None:
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "sub" / "f").write_bytes(b"in a folder")
    kept = store_value(store, [file(tmp_path / "a"), {"class": "Directory", "path": str(tmp_path / "d")}])
    staged = stage_value(store, kept, tmp_path / "in", writable=True)
    Path(local_path(staged[0])).write_bytes(b"changed")
    (Path(local_path(staged[1])) / "sub" / "f").write_bytes(b"changed")
    assert store.path_of(md5(b"hello")).read_bytes() == b"hello"
    assert store.path_of(md5(b"in a folder")).read_bytes() == b"in a folder"
    again = store_value(store, staged)
    assert again[0]["location"] != kept[0]["location"]
    assert again[1]["location"] != kept[1]["location"]


@pytest.mark.parametrize("where", ["link", "folder/deep/link"])
def test_an_output_must_not_lead_out_of_the_tools_folder(store: Store, tmp_path: Path, where: str) -> None:
    work, secret = tmp_path / "work", tmp_path / "secret"
    secret.write_text("of the host")
    (work / where).parent.mkdir(parents=True)
    (work / where).symlink_to(secret)
    top = where.split("/", maxsplit=1)[0]
    value = {"class": "Directory" if "/" in where else "File", "location": f"file://{work / top}", "basename": top}
    with pytest.raises(OutputError, match="link is a symbolic link to .*secret, outside of the tool's folder"):
        store_value(store, value, made_in=work)
    (work / "own").write_text("own")
    (work / where).unlink()
    (work / where).symlink_to(work / "own")
    assert store_value(store, value, made_in=work)["location"].startswith("store://")
