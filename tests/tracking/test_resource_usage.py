"""Tests of the measured resource usage of a step, with and without child processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from airflow_mlcraft.tracking.resource_usage import ResourceUsage, sample_usage

# A process whose size is known: that of a test process depends on the tests before.
_STEPS = """
import json, sys
from airflow_mlcraft.tracking.resource_usage import ResourceUsage
found = []
for size in (200_000_000, 1_000):
    usage = ResourceUsage()
    bytearray(size)
    found.append(usage.measure()["peak_memory_megabytes"])
print(json.dumps([*found, "psutil" in sys.modules, "mlflow" in sys.modules]))
"""


def test_memory_is_that_of_one_step() -> None:
    done = subprocess.run([sys.executable, "-c", _STEPS], capture_output=True, text=True, check=True)
    large, small, *loaded = json.loads(done.stdout)
    assert large > 200
    # Where the system does not forget, the second has what the first had.
    assert small < (200 if os.access("/proc/self/clear_refs", os.W_OK) else large + 1)
    assert loaded == [False, False]


def test_tools_are_counted() -> None:
    usage = ResourceUsage()
    work = "import time; large = bytearray(500_000_000)\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", work], check=True)
    used = usage.measure()
    assert used["cpu_seconds"] > 0.25
    assert used["peak_memory_megabytes"] > 500


def test_a_short_step_is_told_at_its_end_alone() -> None:
    lines: list[tuple[dict[str, Any], int]] = []
    with sample_usage(lambda values, step: lines.append((dict(values), step)), 10, after=60):
        pass
    ((values, step),) = lines
    assert (values.keys(), step) == ({"system/cpu_seconds", "system/peak_memory_megabytes"}, 0)


def test_a_long_step_is_told_again_and_again() -> None:
    lines: list[tuple[dict[str, Any], int]] = []
    with sample_usage(lambda values, step: lines.append((dict(values), step)), 0.05, after=0.01):
        deadline = time.monotonic() + 30
        while len(lines) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    *samples, (used, _) = lines
    assert [step for _, step in samples] == list(range(len(samples)))
    assert {name for values, _ in samples for name in values} >= {
        "system/cpu_utilization_percentage", "system/process_memory_megabytes", "system/system_memory_usage_percentage",
    }  # fmt: skip
    assert "system/cpu_seconds" in used
