"""Tests of the conversion of values to data: files, folders, and lists as folders."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.versioning.targets import to_dvc_data


def file(store: Store, name: str, text: str, *secondary: Any) -> dict[str, Any]:
    more = {"secondaryFiles": list(secondary)} if secondary else {}
    return {"class": "File", "basename": name, "location": f"store://md5/{store.add_bytes(text.encode())}", **more}


def convert_and_read(store: Store, value: Any) -> Any:
    made = to_dvc_data(store, value, "output x")
    assert made is not None
    if made.nfiles is None:
        return made.size
    files = {entry.relpath: store.path_of(entry.md5).read_text() for entry in store.entries(made.oid)}
    assert (len(files), sum(map(len, files.values()))) == (made.nfiles, made.size)
    return files


def test_a_file_and_a_folder_are_what_they_are(store: Store) -> None:
    value = file(store, "a", "abc")
    assert convert_and_read(store, value) == 3
    folder = {"class": "Directory", "basename": "d", "listing": [value, file(store, "b", "")]}
    assert convert_and_read(store, folder) == {"a": "abc", "b": ""}
    made = to_dvc_data(store, folder, "x")
    assert made is not None
    stored = {"class": "Directory", "basename": "d", "location": f"store://md5/{made.oid}"}
    assert to_dvc_data(store, stored, "x") == made
    assert convert_and_read(store, {**folder, "listing": [stored]}) == {"d/a": "abc", "d/b": ""}


def test_lists_are_folders_with_a_name_for_each(store: Store) -> None:
    one, two = file(store, "m.pkl", "1"), file(store, "m.pkl", "2")
    folder = {"class": "Directory", "basename": "m.pkl", "listing": [one]}
    assert convert_and_read(store, [one, None, two, folder]) == {"m.pkl": "1", "m_2.pkl": "2", "m_3.pkl/m.pkl": "1"}
    assert convert_and_read(store, []) == {}


def test_secondary_files_lie_beside(store: Store) -> None:
    value = file(store, "a.bam", "1", file(store, "a.bam.bai", "2"))
    assert convert_and_read(store, value) == {"a.bam": "1", "a.bam.bai": "2"}
    both = {"a.bam": "1", "a.bam.bai": "2", "a_2.bam": "1", "a_2.bam.bai": "2"}
    assert convert_and_read(store, [value, value]) == both


def test_null_is_nothing(store: Store) -> None:
    assert to_dvc_data(store, None, "x") is None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (3, "output x is the value 3; only files and folders"),
        ("text", "output x is the value 'text'"),
        ({"a": 1}, "output x is an object"),
        ([1], "output x is a list that holds other values than files"),
        ([[]], "output x is a list of lists"),
        (
            [{"class": "File", "basename": "../a", "location": "store://md5/" + "0" * 32}],
            "'../a', which is not a plain",
        ),
        ({"class": "File", "basename": "a", "location": "https://x.example/a"}, "https://x.example/a, which is not in"),
    ],
)
def test_what_cannot_be_versioned(value: Any, sentence: str, store: Store) -> None:
    with pytest.raises(VersioningError, match=sentence):
        to_dvc_data(store, value, "output x")
