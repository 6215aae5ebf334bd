"""The fetcher, as schema-salad's loader calls it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from schema_salad.exceptions import ValidationException
from schema_salad.fetcher import DefaultFetcher
from schema_salad.ref_resolver import Loader

from airflow_mlcraft.adapters.internals import SCHEMA_SALAD
from airflow_mlcraft.adapters.schema_salad import Fetcher
from tests.adapters.attributes import assert_attribute


class Recorder(Fetcher):
    """Records what is read and looked for, and has one text of its own."""

    calls: list[tuple[str, str]]

    def read(self, url: str, fetch: Callable[[], str]) -> str:
        self.calls.append(("read", url))
        return "own: text" if url.endswith("own.yml") else fetch()

    def can_read(self, url: str, check: Callable[[], bool]) -> bool:
        self.calls.append(("can_read", url))
        return url.endswith("own.yml") or check()


@pytest.fixture
def loader() -> Loader:
    Recorder.calls = []
    return Loader({}, fetcher_constructor=Recorder)


@pytest.mark.parametrize("name", ["cache", "urljoin"])
def test_a_fetcher_has_the_attribute(name: str) -> None:
    assert_attribute(SCHEMA_SALAD, DefaultFetcher({}, None), name)


def test_a_loader_reads_by_the_fetcher(loader: Loader, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("colour: red")
    uri = (tmp_path / "a.yml").as_uri()
    assert loader.fetch(uri) == {"colour": "red"}
    assert ("read", uri) in Recorder.calls, "schema-salad does not read by Fetcher.fetch_text"
    assert loader.fetch((tmp_path / "own.yml").as_uri()) == {"own": "text"}


def test_a_loader_looks_for_files_by_the_fetcher(loader: Loader, tmp_path: Path) -> None:
    own, missing = (tmp_path / "own.yml").as_uri(), (tmp_path / "missing.yml").as_uri()
    assert loader.fetcher.check_exists(own)
    assert not loader.fetcher.check_exists(missing)
    assert Recorder.calls == [("can_read", own), ("can_read", missing)]


def test_what_schema_salad_has_already_is_cached(loader: Loader) -> None:
    fetcher = Fetcher({"https://example.org/schema": "text"}, None)
    assert fetcher.is_cached("https://example.org/schema")
    assert not fetcher.is_cached("https://example.org/other")
    assert fetcher.fetch_text("https://example.org/schema") == "text"


def test_without_overrides_it_is_the_usual_fetcher(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    fetcher = Fetcher({}, None)
    assert fetcher.fetch_text((tmp_path / "a.txt").as_uri()) == "a"
    assert fetcher.check_exists((tmp_path / "a.txt").as_uri())
    with pytest.raises(ValidationException):
        fetcher.fetch_text((tmp_path / "missing").as_uri())
