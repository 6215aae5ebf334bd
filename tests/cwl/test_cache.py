"""A document is compiled once for its content."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.cwl import cache as cache_module
from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.errors import DocumentError, UnsupportedError

DOCUMENTS = Path(__file__).parents[1] / "documents"


class CountingCache(PlanCache):
    """Counts compilations; each lookup is as in a new process, without anything in memory."""

    compiled: list[str] = []  # noqa: RUF012

    def compile(self, document: Path, *more: Any) -> Any:
        self.compiled.append(document.name)
        return super().compile(document, *more)

    def digest(self, document: Path) -> str:
        cache_module._read_plan.cache_clear()
        return self.get_plan(document).digest

    def count(self) -> int:
        count = len(self.compiled)
        self.compiled.clear()
        return count


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DOCUMENTS, tmp_path / "documents"))


@pytest.fixture
def cache(tmp_path: Path) -> CountingCache:
    CountingCache.compiled.clear()
    return CountingCache(tmp_path / "cache")


def touch_later(path: Path) -> None:
    """As if touched in an hour."""
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 3_600_000_000_000))


def test_the_same_bytes_are_never_compiled_again(cache: CountingCache, documents: Path) -> None:
    document = documents / "count_lines" / "count_lines.cwl"
    digest = cache.digest(document)
    assert (cache.digest(document), cache.count()) == (digest, 1)
    for path in documents.rglob("*"):
        touch_later(path)
    assert (cache.digest(document), cache.count()) == (digest, 0)


@pytest.mark.parametrize("edited", ["count_lines.cwl", "tools/count.cwl", "tools/count.txt", "tools/read.cwl"])
def test_an_edit_of_any_file_is_seen(cache: CountingCache, documents: Path, edited: str) -> None:
    document = documents / "count_lines" / "count_lines.cwl"
    digest = cache.digest(document)
    path = documents / "count_lines" / edited
    text = path.read_text()
    path.write_text(text.replace("ount", "OUNT") if edited.endswith("txt") else f"{text}label: edited\n")
    if edited == "count_lines.cwl":
        path.write_text(text.replace("label: Count", "label: Tally"))
    assert cache.digest(document) != digest
    assert cache.count() == 2
    path.write_text(text)
    assert cache.digest(document) == digest


def test_an_edit_that_keeps_size_and_an_hour_is_seen(cache: CountingCache, documents: Path) -> None:
    document = documents / "echo.cwl"
    digest = cache.digest(document)
    document.write_text(document.read_text().replace("label: Echo", "label: Ohce"))
    assert cache.digest(document) != digest


def test_an_edit_while_the_document_is_compiled_is_seen(
    cache: CountingCache, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = documents / "echo.cwl"
    from airflow_mlcraft.cwl import compile as compiler

    compile_document = compiler.compile_document

    def compile_while_edited(loaded: Any) -> Any:
        document.write_text(document.read_text().replace("label: Echo", "label: Other"))
        return compile_document(loaded)

    monkeypatch.setattr(compiler, "compile_document", compile_while_edited)
    cache.digest(document)
    monkeypatch.undo()
    cache_module._read_plan.cache_clear()
    assert cache.get_plan(document).root.label == "Other"


@pytest.mark.parametrize("damage", [b"", b"{", b'{"root": {', b"\x00\xff\xfe", b"[]", b"null", b"{}"])
@pytest.mark.parametrize("room", ["documents", "plans"])
def test_a_damaged_cache_heals(cache: CountingCache, documents: Path, damage: bytes, room: str) -> None:
    document = documents / "echo.cwl"
    digest = cache.digest(document)
    (file,) = (cache.root / room).iterdir()
    file.write_bytes(damage)
    assert cache.digest(document) == digest
    assert cache.count() == 2
    assert (cache.digest(document), cache.count()) == (digest, 0)


@pytest.mark.parametrize("damage", [b"", b'{"class": "Comm'])
def test_a_damaged_tool_heals(cache: CountingCache, documents: Path, damage: bytes) -> None:
    document = documents / "echo.cwl"
    plan = cache.get_plan(document)
    tool = plan.root.steps[0].run.digest
    cache_module._read_tool.cache_clear()
    (cache.root / "tools" / f"{tool}.json").write_bytes(damage)
    with pytest.raises(DocumentError, match="import its document again"):
        cache.tool(tool)
    document.write_text(document.read_text() + "\n")
    cache.digest(document)
    assert cache.tool(tool)["baseCommand"] == ["printf", "%s\\n"]


def test_who_may_write_into_the_cache_decides_what_runs(tmp_path: Path) -> None:
    """It is read as it stands; only what is no JSON any more is made again."""
    cache = PlanCache(tmp_path / "cache")
    digest = cache.get_plan(DOCUMENTS / "echo.cwl").root.steps[0].run.digest
    (path,) = (tmp_path / "cache").rglob(f"{digest}.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "baseCommand": "another"}))
    assert PlanCache(tmp_path / "cache").tool(digest)["baseCommand"] == "another"


def test_a_removed_cache_is_made_again(cache: CountingCache, documents: Path) -> None:
    digest = cache.digest(documents / "echo.cwl")
    shutil.rmtree(cache.root / "plans")
    shutil.rmtree(cache.root / "tools")
    assert cache.digest(documents / "echo.cwl") == digest
    assert list((cache.root / "tools").iterdir())


def test_a_broken_document_gives_the_same_error_without_being_compiled(cache: CountingCache, documents: Path) -> None:
    document = documents / "broken" / "misspelt_field.cwl"
    errors = []
    for _ in range(2):
        with pytest.raises(DocumentError) as caught:
            cache.get_plan(document)
        errors.append((type(caught.value), str(caught.value), caught.value.line, caught.value.column))
    assert errors[0] == errors[1]
    assert cache.count() == 1
    with pytest.raises(UnsupportedError):
        cache.get_plan(documents / "broken" / "wrong_version.cwl")
    with pytest.raises(UnsupportedError):
        cache.get_plan(documents / "broken" / "wrong_version.cwl")
    document.write_text(document.read_text().replace("baseComand", "baseCommand"))
    assert cache.get_plan(document).kind == "CommandLineTool"


def test_a_document_is_well_once_the_file_it_needs_is_there(cache: CountingCache, documents: Path) -> None:
    document = documents / "broken" / "missing_run_file.cwl"
    for _ in range(2):
        with pytest.raises(DocumentError, match="not_there"):
            cache.get_plan(document)
    assert cache.count() == 1
    (document.parent / "not_there.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: echo\ninputs: []\noutputs: []\n"
    )
    assert cache.get_plan(document).kind == "Workflow"


def test_a_document_is_well_once_the_tool_it_runs_is_mended(cache: CountingCache, documents: Path) -> None:
    """The error is at the link in the workflow; what is to blame is the type in the tool."""
    document = documents / "count_lines" / "count_lines.cwl"
    tool = documents / "count_lines" / "tools" / "read.cwl"
    text = tool.read_text()
    tool.write_text(text.replace("type: File", "type: string").replace("    loadContents: true\n", ""))
    with pytest.raises(DocumentError, match="incompatible") as caught:
        cache.get_plan(document)
    assert caught.value.path == str(document)
    tool.write_text(text)
    assert cache.get_plan(document).kind == "Workflow"


def test_a_host_that_is_allowed_later(documents: Path, cache: CountingCache) -> None:
    document = documents / "broken" / "over_the_network.cwl"
    with pytest.raises(DocumentError, match="allowed_document_hosts"):
        cache.get_plan(document)
    allowed = CountingCache(cache.root, allowed_hosts=("cwl.example",))
    with pytest.raises(DocumentError) as caught:
        allowed.get_plan(document)
    assert "allowed_document_hosts" not in str(caught.value)


@pytest.mark.parametrize(("umask", "mode"), [("022", 0o644), ("002", 0o664), ("077", 0o600)])
def test_others_may_read_what_the_umask_lets_them_read(tmp_path: Path, umask: str, mode: int) -> None:
    """As `run_as_user` needs it; the names of unfinished files are none that anybody takes for a plan."""
    root = tmp_path / "cache"
    program = (
        f"import os, sys; os.umask(0o{umask}); from pathlib import Path;"
        "from airflow_mlcraft.cwl.cache import PlanCache; PlanCache(Path(sys.argv[1])).get_plan(Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", program, str(root), str(DOCUMENTS / "echo.cwl")], check=True)
    files = [path for path in root.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} >= {"documents", "plans", "tools"}
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {oct(mode)}
    assert all(path.suffix == ".json" for path in files)


def test_processes_that_compile_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from airflow_mlcraft.cwl.cache import PlanCache;"
        "print(PlanCache(Path(sys.argv[1])).get_plan(Path(sys.argv[2])).digest)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "cache"), str(DOCUMENTS / "links.cwl")]
    environment = {**os.environ, "PYTHONPATH": str(DOCUMENTS.parents[1])}
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    digests = [process.communicate()[0] for process in both]
    assert digests[0] == digests[1] != ""
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("address", ["https://sevenbridges.com", "http://example.org/tmp#"])
def test_an_address_of_a_host_is_no_path_on_this_machine(cache: CountingCache, documents: Path, address: str) -> None:
    """The address of a hint is looked for, in vain; the folder /tmp says nothing about it."""
    document = documents / "echo.cwl"
    document.write_text(
        document.read_text()
        + f'$namespaces: {{sbg: "{address}"}}\nhints: [{{class: "sbg:maxNumberOfParallelInstances", value: 2}}]\n'
    )
    digest = cache.digest(document)
    assert cache.get_cached(document) is not None
    assert (cache.digest(document), cache.count()) == (digest, 1)


def test_a_plan_is_remembered_without_a_look_at_other_documents(cache: CountingCache, documents: Path) -> None:
    """Pages ask for it every few seconds, and there may be thousands of documents."""
    copy = Path(shutil.copytree(documents, documents.parent / "copy"))
    digest = cache.digest(documents / "echo.cwl")
    assert cache.digest(copy / "echo.cwl") == digest
    shutil.rmtree(cache.root / "documents")
    for folder in (copy, documents):
        found = cache.find_plan(digest)
        assert found is not None
        assert found.base == str(folder)
        shutil.rmtree(folder)
    gone = cache.find_plan(digest)
    assert gone is not None, "a run of it may still be looked at"
    assert gone.base == ""
    assert cache.find_plan("0" * 64) is None
