"""Evaluation of a fused step: its sub-workflow or scatter, with all steps in it, as far as their inputs are known.

Nothing in here runs a tool: `RunJob` does, in a worker process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from airflow_mlcraft.cwl.plan import Json, Link, Step, Workflow
from airflow_mlcraft.cwl.scatter import compute_item_inputs, nest_outputs
from airflow_mlcraft.cwl.step_inputs import SourceValue, has_expressions, resolve_links
from airflow_mlcraft.errors import LinkError, MlcraftError
from airflow_mlcraft.operators.values import apply_updates


@dataclass(frozen=True)
class StepJob:
    """One run of a step: of its tool, or of the expressions for the inputs of its sub-workflow."""

    path: str
    """The path of the step in the plan, as `outer/inner`."""
    index: tuple[int, ...]
    """The indexes of the items of the scatters around it, from the outermost."""
    raw: dict[str, Json]
    """The values of its links; of the kind `next`, the inputs and outputs of the last iteration."""
    kind: Literal["run", "inputs", "next"] = "run"
    """Whether the tool runs, or only the inputs of the first or the next iteration of a loop are evaluated."""

    @property
    def name(self) -> str:
        """The name of the run in the log."""
        return job_name(self.path, self.index)


def job_name(path: str, index: tuple[int, ...]) -> str:
    """The name of one run of a step: its path, and the indexes of its items."""
    return path + "".join(f"[{number}]" for number in index)


@dataclass
class StepOutcome:
    """The result of a job: the outputs of a tool or the inputs of a sub-workflow, None when its condition is false."""

    values: dict[str, Json] | None
    updates: dict[str, Json] = field(default_factory=dict)
    """The files that the tool has changed in place, by their old location."""


RunJob = Callable[[StepJob, Step], Awaitable[StepOutcome]]


class UpstreamFailedError(MlcraftError):
    """A step that another one needs has failed."""


class FusedSteps:
    """Runs a step with everything in it. A failed step ends those that need it; the others run to their end."""

    def __init__(self, run_job: RunJob):
        self._run_job = run_job
        self.errors: list[tuple[str, tuple[int, ...], Exception]] = []
        """The path, the indexes and the error of each failed step."""

    async def run(self, step: Step, path: str, raw: dict[str, Json], index: tuple[int, ...] = ()) -> StepOutcome:
        """Run a step, or all items of its scatter, from the values of its links."""
        if step.loop:
            return await self._run_loop(step, path, raw, index)
        if not step.scatter:
            return await self._run_item(step, path, raw, index)
        with self._record_error(path, index):
            scattered = compute_item_inputs(step, raw)
        items = [self._run_item(step, path, item, (*index, number)) for number, item in enumerate(scattered.inputs)]
        outcomes = await _gather(items)
        updates = {location: file for outcome in outcomes for location, file in outcome.updates.items()}
        outputs = {
            name: nest_outputs(scattered.shape, [(outcome.values or {}).get(name) for outcome in outcomes])
            for name in step.outputs
        }
        return StepOutcome(outputs, updates)

    async def _run_item(self, step: Step, path: str, raw: dict[str, Json], index: tuple[int, ...]) -> StepOutcome:
        workflow = step.run
        if not isinstance(workflow, Workflow):
            return await self._run_and_record(StepJob(path, index, raw), step)
        inputs: dict[str, Json] | None = raw
        if has_expressions(step):
            inputs = (await self._run_and_record(StepJob(path, index, raw), step)).values
        if inputs is None:
            return StepOutcome(None)
        values = {
            port.id: port.default if inputs.get(port.id) is None and port.has_default else inputs.get(port.id)
            for port in workflow.inputs
        }
        return StepOutcome(await self._run_workflow(workflow, path, values, index))

    async def _run_loop(self, step: Step, path: str, raw: dict[str, Json], index: tuple[int, ...]) -> StepOutcome:
        """Run a step until its condition is false; the inputs of an iteration come from the one before it."""
        body = loop_body(step)
        inputs = raw
        if any(link.value_from or link.load_contents for link in step.links):
            inputs = (await self._run_and_record(StepJob(path, index, raw, "inputs"), step)).values or {}
        iterations: list[dict[str, Json]] = []
        updates: dict[str, Json] = {}
        while True:
            number = len(iterations)
            outcome = await self._run_item(body, path, inputs, (*index, number))
            if outcome.values is None:
                break
            iterations.append(outcome.values)
            updates |= outcome.updates
            if any(link.value_from for link in step.loop):
                last = {"inputs": inputs, "outputs": outcome.values}
                job = StepJob(path, (*index, number), last, "next")
                inputs = (await self._run_and_record(job, step)).values or {}
            else:
                inputs = {**inputs, **resolve_links(step.loop, outcome.values.get)}
        if step.output_method == "all_iterations":
            return StepOutcome({name: [values.get(name) for values in iterations] for name in step.outputs}, updates)
        return StepOutcome(iterations[-1] if iterations else dict.fromkeys(step.outputs), updates)

    async def _run_and_record(self, job: StepJob, step: Step) -> StepOutcome:
        with self._record_error(job.path, job.index):
            return await self._run_job(job, step)

    @contextmanager
    def _record_error(self, path: str, index: tuple[int, ...]) -> Iterator[None]:
        """Record an error where it arises; the steps around it raise it again."""
        try:
            yield
        except Exception as error:
            self.errors.append((path, index, error))
            raise

    async def _run_workflow(
        self, workflow: Workflow, path: str, inputs: dict[str, Json], index: tuple[int, ...]
    ) -> dict[str, Json]:
        """The outputs of a workflow. Its steps run as soon as those that they read from have ended."""
        tasks: dict[str, asyncio.Task[StepOutcome]] = {}
        for step in _in_dependency_order(workflow):
            upstream = {name: tasks[name] for name in _source_steps(step.links)}
            run = self._run_after(step, f"{path}/{step.id}".strip("/"), inputs, upstream, index)
            tasks[step.id] = asyncio.ensure_future(run)
        await _gather(tasks.values())
        outcomes = {name: task.result() for name, task in tasks.items()}
        with self._record_error(path, index):
            outputs = resolve_links(workflow.outputs, partial(_source_value, inputs, outcomes))
        updated: dict[str, Json] = apply_updates(outputs, _updates(workflow.outputs, outcomes))
        return updated

    async def _run_after(
        self,
        step: Step,
        path: str,
        inputs: dict[str, Json],
        upstream: Mapping[str, asyncio.Task[StepOutcome]],
        index: tuple[int, ...],
    ) -> StepOutcome:
        if upstream:
            await asyncio.wait(upstream.values())
        failed = sorted(name for name, task in upstream.items() if task.cancelled() or task.exception())
        if failed:
            raise UpstreamFailedError(f"{path} needs {', '.join(failed)}")
        outcomes = {name: task.result() for name, task in upstream.items()}
        with self._record_error(path, index):
            raw = _resolve_links(step, path, partial(_source_value, inputs, outcomes))
        return await self.run(step, path, apply_updates(raw, _updates(step.links, outcomes)), index)


def _resolve_links(step: Step, path: str, source_value: SourceValue) -> dict[str, Json]:
    try:
        return resolve_links(step.links, source_value)
    except LinkError as error:
        raise LinkError(f"step {path}: {error}") from error


def loop_body(step: Step) -> Step:
    """The step of one iteration of a loop: its inputs are evaluated before, and `when` says whether it runs."""
    plain = tuple(replace(link, value_from="", load_contents=False) for link in step.links)
    return replace(step, loop=(), links=plain)


async def _gather(runs: Iterable[Awaitable[StepOutcome]]) -> list[StepOutcome]:
    """Wait for all, also when one has failed; then raise its error. Of several, one that is no consequence."""
    results = await asyncio.gather(*runs, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors:
        raise min(errors, key=lambda error: isinstance(error, UpstreamFailedError))
    return [result for result in results if isinstance(result, StepOutcome)]


def _in_dependency_order(workflow: Workflow) -> list[Step]:
    """The steps, each after those that it reads from."""
    steps = {step.id: step for step in workflow.steps}
    waiting = {step.id: _source_steps(step.links) for step in workflow.steps}
    readers: dict[str, list[str]] = {name: [] for name in steps}
    for name, sources in waiting.items():
        for source in sources:
            readers[source].append(name)
    ready = [name for name, sources in waiting.items() if not sources]
    ordered: list[Step] = []
    while ready:
        name = ready.pop(0)
        ordered.append(steps[name])
        for reader in readers[name]:
            waiting[reader].discard(name)
            if not waiting[reader]:
                ready.append(reader)
    return ordered


def _source_steps(links: tuple[Link, ...]) -> set[str]:
    return {source.rpartition("/")[0] for link in links for source in link.sources} - {""}


def _source_value(inputs: Mapping[str, Json], outcomes: Mapping[str, StepOutcome], source: str) -> Json:
    step, _, name = source.rpartition("/")
    values = outcomes[step].values if step else inputs
    return None if values is None else values.get(name)


def _updates(links: tuple[Link, ...], outcomes: Mapping[str, StepOutcome]) -> dict[str, Json]:
    """The files that the steps which these links read from have changed in place."""
    return {
        location: file for name in sorted(_source_steps(links)) for location, file in outcomes[name].updates.items()
    }
