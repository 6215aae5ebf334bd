"""Names that somebody else has chosen: one component of a path, whatever anybody thinks of."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlcraft.common.safe_names import (
    LONGEST,
    check_names,
    is_inside_folder,
    is_safe_name,
    is_safe_relative_path,
    safe_name,
    to_safe_name,
    without_dirnames,
)
from airflow_mlcraft.errors import MlcraftError, UnsafeNameError
from airflow_mlcraft.store.export import export_value
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.values import stage_value, store_value

ODD = st.sampled_from(["..", ".", "", "/", "../x", "a/b", "/etc/passwd", "x\0y", "a" * 300, "ü" * 128, "\ud800", "…"])
PLAIN = st.sampled_from(["a", "b.txt", "ü ☃.csv", "#1 100%", "..a", "a..", "x\\y", "-rf", "a\nb"])
NAMES = st.one_of(ODD, PLAIN, st.text(max_size=8), st.text("./\\a", max_size=6))


@given(NAMES)
@settings(max_examples=500, deadline=None)
def test_a_safe_name_makes_one_file_in_its_folder(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if is_safe_name(name):
            (Path(folder) / name).touch()
            assert [one.name for one in Path(folder).iterdir()] == [os.fsdecode(os.fsencode(name))]
        else:
            with pytest.raises(UnsafeNameError):
                safe_name(name)


@given(st.text())
def test_every_identifier_has_a_safe_name(text: str) -> None:
    assert is_safe_name(to_safe_name(text))


@pytest.mark.parametrize(
    ("identifier", "name"),
    [("manual__2026-11-29T10:00:00+00:00", "manual__2026-11-29T10_00_00+00_00"), ("a/b", "a_b"), ("plain", "plain")],
)
def test_the_names_of_runs(identifier: str, name: str) -> None:
    assert to_safe_name(identifier) == name


def test_identifiers_that_are_no_names_stay_apart() -> None:
    made = {to_safe_name(text) for text in ("..", ".", "", "a" * 300, "a" * 301)}
    assert len(made) == 5
    assert not made & {"..", ".", ""}


@given(st.lists(NAMES, min_size=1, max_size=4).map("/".join))
def test_a_safe_path_stays_inside(path: str) -> None:
    if is_safe_relative_path(path):
        assert is_inside_folder(Path("/somewhere/deep") / path, "/somewhere/deep")
        assert not path.startswith("/")


@pytest.mark.parametrize("name", [None, 3, b"x", ["a"]])
def test_a_name_is_a_text(name: Any) -> None:
    assert not is_safe_name(name)


@pytest.mark.parametrize("field", ["basename", "nameroot", "nameext"])
@pytest.mark.parametrize("name", ["../x", "a/b", "x\0", "/x", 7])
def test_names_at_any_depth(field: str, name: Any) -> None:
    file = {"class": "File", "location": "file:///x", field: name}
    with pytest.raises(UnsafeNameError, match=field):
        check_names({"a": [{"class": "Directory", "basename": "d", "listing": [{"secondaryFiles": [file]}]}]})


def test_names_without_harm() -> None:
    check_names({"class": "File", "basename": ".bashrc", "nameroot": ".bashrc", "nameext": ""})
    check_names({"basename": "../not a file"})


def test_the_longest_name() -> None:
    assert is_safe_name("a" * LONGEST)
    assert not is_safe_name("ü" * 128)


def test_folders_are_not_taken_from_values() -> None:
    value = {"class": "File", "dirname": "/etc", "secondaryFiles": [{"class": "File", "dirname": "/etc"}]}
    assert without_dirnames({"x": [value], "dirname": 1}) == {
        "x": [{"class": "File", "secondaryFiles": [{"class": "File"}]}],
        "dirname": 1,
    }


def literals(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """File and Directory literals, one in the other, in every field that may hold them."""
    file = st.fixed_dictionaries(
        {"class": st.just("File"), "contents": st.just("x"), "basename": names},
        optional={"dirname": st.sampled_from(["/tmp", "..", "/"]), "nameroot": names},
    )

    def folders(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        listing = st.lists(inner, max_size=3)
        return st.fixed_dictionaries({"class": st.just("Directory"), "basename": names, "listing": listing}) | (
            st.tuples(file, listing).map(lambda pair: {**pair[0], "secondaryFiles": pair[1]})
        )

    return st.recursive(file, folders, max_leaves=6)


@given(literals(NAMES))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_value_writes_outside_of_its_folder(value: Any) -> None:
    """Through the store and out of it again, staged and exported: there is nothing but in the two folders."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(folder / "a" / "store")
        (folder / "a" / "b").mkdir(parents=True)
        try:
            kept = store_value(store, value)
            stage_value(store, kept, folder / "a" / "b" / "staged")
            export_value(store, kept, folder / "a" / "b" / "exported", writable=True)
        except (MlcraftError, UnicodeEncodeError) as error:
            assert not isinstance(error, UnicodeEncodeError) or "surrogates" in str(error)
        assert [one.name for one in folder.iterdir()] == ["a"]
        assert {one.name for one in (folder / "a").iterdir()} <= {"store", "b"}
        assert {one.name for one in (folder / "a" / "b").iterdir()} <= {"staged", "exported"}
        assert {one.name for one in (folder / "a" / "store").glob("*")} <= {"files", "tmp"}
