"""A command that is done in this process: what the program gets where it runs after all."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from cwltool.job import JobBase

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.containers import Containers
from airflow_mlcraft.cwl.inline_command import InlineCommand, run_inline
from airflow_mlcraft.cwl.tool import _context, build_process
from airflow_mlcraft.cwl.tool_log import tool_log


@pytest.mark.parametrize(("in_container", "wanted"), [(False, "here"), (True, "in a container")])
def test_a_container_has_an_environment_of_its_own(tmp_path: Path, in_container: bool, wanted: str) -> None:
    """Files have other paths there."""
    (tmp_path / "tool.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nhints: {DockerRequirement: {dockerPull: python:3-slim}}\n"
        "inputs: []\noutputs: []\nbaseCommand: [mlcraft-step, split]\n"
    )
    cache = PlanCache(tmp_path / "cache")
    process = build_process(cache.tool(cache.get_plan(tmp_path / "tool.cwl").root.steps[0].run.digest))
    command = InlineCommand("mlcraft-step", lambda *_: 0, {"WHERE": "here"}, {"WHERE": "in a container"})
    with tool_log(lambda *_: None) as streams:
        context = _context("tool", tmp_path, streams, containers=Containers(), in_container=in_container)
        (job,) = islice(process.job({}, lambda *_: None, context), 1)
        assert isinstance(job, JobBase)
        run_inline(job, command, print)
    assert job.environment["WHERE"] == wanted
