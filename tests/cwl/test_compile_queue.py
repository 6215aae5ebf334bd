"""The process that compiles what waits: one for a cache, undeterred by what one document does to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from airflow_mlcraft.cwl.cache import PlanCache, write_json
from airflow_mlcraft.cwl.compile_process import compile_all
from airflow_mlcraft.cwl.compile_queue import cache_exists, enqueue, has_waiting_lists, lock_compiler, pop_lists
from airflow_mlcraft.errors import DocumentError

DOCUMENTS = Path(__file__).parents[1] / "documents"
PROJECT = DOCUMENTS.parents[1]
ECHO = DOCUMENTS / "echo.cwl"
COUNT = DOCUMENTS / "count_lines" / "count_lines.cwl"


@pytest.fixture
def cache(tmp_path: Path) -> PlanCache:
    return PlanCache(tmp_path / "cache")


@pytest.fixture(scope="module")
def long_document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document that takes many seconds."""
    path = tmp_path_factory.mktemp("long") / "long.cwl"
    step = f"{{run: {ECHO}, in: {{word: word}}, out: []}}"
    steps = "".join(f"  s{number}: {step}\n" for number in range(3000))
    path.write_text(f"cwlVersion: v1.2\nclass: Workflow\ninputs: {{word: string}}\noutputs: []\nsteps:\n{steps}")
    return path


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "still not"
        time.sleep(0.05)


def test_a_list_that_comes_while_another_is_taken_stays(cache: PlanCache) -> None:
    """One of the same name, from a parse that has just found another document."""
    lists = cache.root / "waiting"
    for round_ in range(200):
        write_json(lists / "some.json", {"documents": ["old"], "hosts": []})
        with ThreadPoolExecutor(2) as many:
            taken = many.submit(lambda: [listed["documents"][0] for listed in pop_lists(cache.root)])
            many.submit(write_json, lists / "some.json", {"documents": [f"new{round_}"], "hosts": []}).result()
        seen = [*taken.result(), *(listed["documents"][0] for listed in pop_lists(cache.root))]
        assert seen[-1] == f"new{round_}"
        assert not has_waiting_lists(cache.root)


def test_what_is_left_is_compiled_and_errors_are_kept(cache: PlanCache) -> None:
    broken = DOCUMENTS / "broken" / "misspelt_field.cwl"
    packed = DOCUMENTS / "wild" / "several" / "packed_tools.cwl"
    assert cache.get_cached(ECHO) is None
    process = enqueue(cache, "some", [ECHO, broken, packed])
    assert process is not None
    assert process.wait(60) == 0
    assert cache.get_cached(ECHO) is not None
    with pytest.raises(DocumentError, match="baseComand"):
        cache.get_cached(broken)
    assert cache.get_cached(packed, "two") is not None
    assert not has_waiting_lists(cache.root)


def test_it_stands_back_for_others_and_outlives_who_asked(cache: PlanCache, long_document: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from airflow_mlcraft.cwl.cache import PlanCache;"
        "from airflow_mlcraft.cwl.compile_queue import enqueue;"
        "print(enqueue(PlanCache(Path(sys.argv[1])), 'some', [Path(name) for name in sys.argv[2:]]).pid)"
    )
    command = [sys.executable, "-c", program, str(cache.root), str(long_document), str(ECHO)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(PROJECT)}
    )
    process = psutil.Process(int(done.stdout))
    wait_until(process.nice)
    assert process.nice() > 0
    wait_until(lambda: f"{process.pid}\n" == (cache.root / "compiler.lock").read_text())
    assert enqueue(cache, "others", [COUNT]) is None, "one is at work"
    wait_until(process.children)
    os.kill(process.children()[0].pid, signal.SIGKILL)
    wait_until(lambda: cache.get_cached(ECHO) and cache.get_cached(COUNT))
    with pytest.raises(DocumentError, match=r"cannot be compiled: it ended the compiler with signal 9 .*compiler.log"):
        cache.get_cached(long_document)


def test_a_document_that_takes_too_long_is_refused(cache: PlanCache, long_document: Path) -> None:
    with lock_compiler(cache.root):
        compile_all(cache, [long_document, ECHO], max_seconds=3)
    with pytest.raises(DocumentError, match="long.cwl: cannot be compiled: it took more than 3 s"):
        cache.get_cached(long_document)


def test_a_cache_that_is_removed_needs_no_plans(cache: PlanCache, long_document: Path) -> None:
    process = enqueue(cache, "some", [ECHO, *[DOCUMENTS / "links.cwl"] * 3, long_document, COUNT])
    assert process is not None
    wait_until(lambda: cache.get_cached(ECHO))
    shutil.rmtree(cache.root, ignore_errors=True)
    shutil.rmtree(cache.root, ignore_errors=True)
    assert not cache_exists(cache.root)
    psutil.Process(process.pid).children()[0].kill()
    process.wait(60)
    assert cache.get_cached(COUNT) is None


def test_an_edited_document_is_what_it_was_until_it_is_compiled(cache: PlanCache, tmp_path: Path) -> None:
    document = Path(shutil.copy(ECHO, tmp_path))
    assert cache.get_last(document) is None
    before = cache.get_plan(document)
    document.write_text(document.read_text() + "doc: edited\n")
    assert cache.get_cached(document) is None
    assert cache.get_last(document) == before
    document.write_text("class: [")
    with pytest.raises(DocumentError):
        cache.get_plan(document)
    document.write_text("class: {")
    assert cache.get_cached(document) is None
    with pytest.raises(DocumentError):
        cache.get_last(document)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_document_that_may_not_be_read(cache: PlanCache, tmp_path: Path) -> None:
    document = Path(shutil.copy(ECHO, tmp_path))
    document.chmod(0)
    with pytest.raises(DocumentError, match="Permission"):
        cache.get_plan(document)
    with pytest.raises(DocumentError, match="Permission"):
        cache.get_cached(document)


def test_a_link_that_leads_nowhere_need_not_be_compiled_twice(cache: PlanCache, tmp_path: Path) -> None:
    link = tmp_path / "link.cwl"
    link.symlink_to("nowhere.cwl")
    for look in (cache.get_plan, cache.get_cached):
        with pytest.raises(DocumentError, match="there is no file"):
            look(link)
    shutil.copy(ECHO, tmp_path / "nowhere.cwl")
    assert cache.get_cached(link) is None
