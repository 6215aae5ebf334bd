"""A session in a real terminal: a new user types the first verbs, and each says what is next."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mlcraft.project import manifest
from tests.project.projects import PROJECT, Workspace

pytestmark = pytest.mark.tmux
TIME_LIMIT = 180


class Terminal:
    """A shell in tmux, on a socket of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
        size = ["-x", "120", "-y", "50"]
        self._do("new-session", "-d", *size, "-c", str(folder), "bash --norc --noprofile", env=environment)

    def type(self, line: str) -> None:
        """Type a line, and Enter."""
        self._do("send-keys", "-l", line)
        self._do("send-keys", "Enter")

    def press(self, key: str) -> None:
        """Press a key, as C-c."""
        self._do("send-keys", key)

    def shows(self, pattern: str) -> str:
        """Wait until the screen has a text; gives the screen."""
        ending = time.monotonic() + TIME_LIMIT
        while not re.search(pattern, screen := self.screen()):
            assert time.monotonic() < ending, f"no {pattern!r} on the screen:\n{screen.rstrip()}"
            time.sleep(0.1)
        return screen

    def screen(self) -> str:
        """All that is on the screen."""
        return self._do("capture-pane", "-p", "-J")

    def close(self) -> None:
        self._do("kill-server")

    def _do(self, *words: str, env: dict[str, str] | None = None) -> str:
        return subprocess.run([*self._tmux, *words], env=env, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """In a fresh home, with nothing but the command on the PATH, and the system's programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "mlcraft"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m airflow_mlcraft.cli.main "$@"\n')
    command.chmod(0o755)
    place = Workspace(tmp_path)
    own = {"PATH": f"{programs}:{os.environ['PATH']}", "PS1": "$ ", "TERM": "screen", "LANG": "C.UTF-8"}
    opened = Terminal(tmp_path, {**os.environ, **place.environment(), **own, "PYTHONPATH": str(PROJECT)})
    yield opened
    if (place.project().deployments / "iris").exists():
        place.mlcraft("stop", "iris")
    opened.close()


def test_from_init_to_a_prediction(terminal: Terminal, tmp_path: Path) -> None:
    terminal.type("PS1='$ '; clear; mlcraft init iris")
    terminal.shows(r"What is to be predicted: a class, or a number\? \[classification/regression\]")
    terminal.type("classification")
    terminal.shows("Next: mlcraft train iris")

    terminal.type("clear; mlcraft train iris -m naive_bayes decision_tree --set decision_tree.max_depth=2,3")
    live = terminal.shows(r"(?s)Iris +\d+/\d+ tasks.*decision_tree +max_depth=3")
    assert "✓ inputs" in live or "▶ inputs" in live
    ended = terminal.shows("Next: mlcraft run iris")
    assert re.search(r"★ Champion: \w+, acc 0\.\d+ on the test part, after \d+ s", ended) or "acc 1.0000" in ended
    assert "tasks" not in ended, "the live table has made room"

    terminal.type("clear; mlcraft evaluate iris f1")
    terminal.shows(r"★ Champion: \w+.*, f1 ")

    terminal.type("clear; mlcraft run iris --detach")
    terminal.shows(r"✓ iris answers at http://127\.0\.0\.1:\d+")
    terminal.shows("Next: mlcraft predict iris data/test.parquet")

    terminal.type("clear; mlcraft predict iris data/test.parquet | head -3")
    terminal.shows(r"prediction,probability_0")

    terminal.type("clear; mlcraft stop iris; mlcraft delete iris")
    terminal.shows("✓ the server of iris has ended")
    terminal.shows(r"(?s)Stays: the runs and models in MLflow.*Delete .*iris with all its data\?\s+\[y/n\]")
    terminal.press("C-c")
    terminal.shows("mlcraft: interrupted; nothing half-done was left")
    assert (tmp_path / "ml_projects" / "iris" / "mlcraft.toml").is_file()
    terminal.type("clear; mlcraft delete iris")
    terminal.shows(r"\[y/n\]")
    terminal.type("y")
    terminal.shows("iris is gone")


@pytest.mark.heavy
def test_dates_that_can_be_read_in_two_ways(terminal: Terminal, tmp_path: Path) -> None:
    """`init` and `train` ask once, and mlcraft.toml has the answer."""
    rows = [f"{place % 12 + 1:02}/{place % 11 + 1:02}/2024,{place % 7},{'yn'[place % 7 > 3]}" for place in range(140)]
    (tmp_path / "visits.csv").write_text("\n".join(["seen,n,ill", *rows]) + "\n")
    terminal.type("mlcraft init asked --from visits.csv --target ill -p classification")
    terminal.shows(r"By which metric is a model the best\?")
    terminal.type("")
    terminal.shows("Is the day first in the dates of seen, such as 01/01/2024")
    terminal.type("n")
    terminal.shows(r"Next: mlcraft train asked")
    place = Workspace(tmp_path)
    assert manifest.read_manifest(place.project("asked")).dates == {"seen": "%m/%d/%Y"}

    result = place.mlcraft("init", "told", "--from", "visits.csv", "--target", "ill", "--yes").out
    assert 'set [data] dates = { seen = "%m/%d/%Y" } where they do' in " ".join(result.split())
    assert manifest.read_manifest(place.project("told")).dates == {}
    terminal.type("clear; mlcraft train told -m naive_bayes")
    terminal.shows("Is the day first in the dates of seen")
    terminal.type("n")
    terminal.shows("The models are trained again, with these dates")
    terminal.shows(r"(?s)trained again.*Next: mlcraft run told")
    assert manifest.read_manifest(place.project("told")).dates == {"seen": "%m/%d/%Y"}
    assert len(place.mlcraft("history", "told", "--json").json()) == 2


def test_an_editor_is_opened_again(terminal: Terminal, tmp_path: Path) -> None:
    """The first time it writes a mistake, the second time it mends it."""
    terminal.type("PS1='$ '; clear; mlcraft init iris -p classification")
    terminal.shows("Next: mlcraft train iris")
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    shutil.copy(tmp_path / "ml_projects" / "iris" / "processor.py", good)
    bad.write_text("def process(frame, **params):\n    return frame.dropp()\n")
    editor = tmp_path / "bin" / "edit"
    editor.write_text(f'#!/bin/sh\nif [ -f "{bad}" ]; then mv "{bad}" "$1"; else cp "{good}" "$1"; fi\n')
    editor.chmod(0o755)
    terminal.type("clear; EDITOR=edit mlcraft impl iris processor")
    terminal.shows(r"✗ processor.py:2: AttributeError: 'DataFrame' object has no attribute 'dropp'")
    terminal.shows(r"Open processor.py again\?")
    terminal.type("y")
    terminal.shows("✓ processor.py imports, has its function, and runs on a sample")
