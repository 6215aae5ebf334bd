"""The files that the workers of a server share, written by processes that import the real client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys
from pathlib import Path
from airflow_mlcraft.adapters.prometheus import collect_all_workers, remove_live_gauges, share_values
assert "prometheus_client" not in sys.modules, "the adapter imports the client before the folder is set"
folder = Path(sys.argv[1])
share_values(folder)
child = os.fork()
if child == 0:
    from prometheus_client import CollectorRegistry, Counter, Gauge
    registry = CollectorRegistry()
    Counter("requests", "Requests", registry=registry).inc(2)
    Gauge("now", "Requests now", multiprocess_mode="livesum", registry=registry).set(3)
    os._exit(0)
os.waitpid(child, 0)
def values():
    return {sample.name: sample.value for family in collect_all_workers().collect() for sample in family.samples}
print(dict(sorted(values().items())))
remove_live_gauges(folder, child + 1)
print(dict(sorted(values().items())))
remove_live_gauges(folder, child)
print(dict(sorted(values().items())))
"""


def test_values_of_a_process_that_has_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before, of_another, after = done.stdout.splitlines()
    assert before == of_another == "{'now': 3.0, 'requests_total': 2.0}"
    assert after == "{'requests_total': 2.0}", "the client's files of live gauges are named in another way"
