"""Run a CWL conformance suite through DAG runs: `python -m tests.conformance --suite ../cwl-v1.2`.

One process loads Airflow once and forks a child for each test; the child is the command `mlcraft-cwl-runner`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance import execute, report
from tests.conformance.composer import in_composer_form
from tests.conformance.execute import Outcome
from tests.conformance.suite import ConformanceTest, load_suite, select_tests


def main() -> int:
    options = _parser().parse_args()
    tests = select_tests(load_suite(options.suite), options.tags, options.ids)
    if options.without:
        known = {test.id for test in load_suite(options.without)}
        tests = [test for test in tests if test.id not in known]
    if not tests:
        sys.exit("no test of the suite is chosen")
    with tempfile.TemporaryDirectory(prefix="conformance-home-") as home:
        os.environ.setdefault("MLCRAFT_HOME", home)
        _warm_up()
        if options.composer_form:
            tests = list(in_composer_form(tests, Path(home) / "forms"))
        begun = execute.now()
        outcomes = _Harness(deque(tests), options).run()
        seconds = execute.now() - begun
    for outcome in outcomes:
        if outcome.status != "passed":
            print(f"\n{outcome.status.upper()} {outcome.test.id}: {outcome.test.doc}\n{outcome.detail}".rstrip())
    print("\n" + report.table(outcomes))
    report.write(outcomes, options.report, options.suite.resolve().name)
    print("\n" + report.summary(outcomes, seconds))
    return int(any(outcome.status == "failed" for outcome in outcomes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    words: dict[str, Any] = {"type": lambda text: [word for word in text.split(",") if word], "default": []}
    parser.add_argument("--suite", type=Path, required=True, help="folder of the suite, or its index file")
    parser.add_argument("--tags", **words, help="only tests with one of these tags (a,b)")
    parser.add_argument("--ids", **words, help="only these tests (a,b)")
    parser.add_argument("--parallel", type=int, default=os.cpu_count() or 1, help="tests at once")
    parser.add_argument("--timeout", type=float, default=120, help="seconds that one test may take")
    parser.add_argument("--no-container", action="store_true", help="as the command's option")
    parser.add_argument("--fuse", default="", help="as the command's option")
    parser.add_argument("--enable-dev", action="store_true", help="as the command's option")
    parser.add_argument("--without", type=Path, help="another suite, whose tests are left out")
    parser.add_argument("--custom-net", default="", help="as the command's option")
    parser.add_argument(
        "--composer-form", action="store_true", help="the documents that Rabix Composer can have, in its form"
    )
    parser.add_argument("--report", type=Path, default=Path(".mlcraft/conformance"), help="folder of the report")
    return parser


def _warm_up() -> None:
    from airflow_mlcraft.runner.home import prepare_embedded_airflow

    prepare_embedded_airflow()
    from airflow_mlcraft.runner.preload import preload_documents, warm_up

    warm_up()
    preload_documents()


@dataclass
class _Harness:
    waiting: deque[ConformanceTest]
    options: argparse.Namespace
    running: dict[int, tuple[ConformanceTest, Path, float]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self) -> list[Outcome]:
        flags = ["--quiet", "--disable-pull", "--parallel=1"]
        flags += ["--no-container"] if self.options.no_container else []
        flags += [f"--fuse={self.options.fuse}"] if self.options.fuse else []
        flags += ["--enable-dev"] if self.options.enable_dev else []
        flags += [f"--custom-net={self.options.custom_net}"] if self.options.custom_net else []
        while self.waiting or self.running:
            while self.waiting and len(self.running) < self.options.parallel:
                test, folder = self.waiting.popleft(), execute.new_folder()
                self.running[execute.start(test, flags, folder)] = (test, folder, execute.now())
            self._wait()
        return self.outcomes

    def _wait(self) -> None:
        """Take the next child that ends; one that takes too long is ended first."""
        import signal

        oldest = min(begun for _, _, begun in self.running.values())
        left = max(0.05, oldest + self.options.timeout - execute.now())
        signal.signal(signal.SIGALRM, self._too_long)
        signal.setitimer(signal.ITIMER_REAL, left, 1)
        try:
            child, status = os.wait()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        test, folder, begun = self.running.pop(child)
        outcome = execute.outcome(test, folder, os.waitstatus_to_exitcode(status), execute.now() - begun)
        self.outcomes.append(outcome)
        mark = {"passed": ".", "failed": "F", "unsupported": "u"}[outcome.status]
        sys.stdout.write(mark)
        sys.stdout.flush()

    def _too_long(self, number: int, frame: object) -> None:
        for child, (_, _, begun) in self.running.items():
            if execute.now() - begun >= self.options.timeout:
                execute.kill(child)


if __name__ == "__main__":
    sys.exit(main())
