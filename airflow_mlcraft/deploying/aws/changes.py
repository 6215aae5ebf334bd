"""Plans of resource changes: computed, applied in order, and undone in reverse order on failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from airflow_mlcraft.deploying.aws.account import aws_errors
from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from airflow_mlcraft.errors import MlcraftError

CREATE, CHANGE, KEEP, DELETE = "create", "change", "keep", "delete"
Found = dict[str, Any]


class Resource(Protocol):
    """A resource in AWS. `found` is the state that `find` returned in the same run."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    def find(self) -> Found | None:
        """The state in AWS, None if it does not exist; raises DeployingError if another owner has it."""

    def differences(self, found: Found) -> list[str]:
        """How its state differs from the desired one, as texts."""

    def create(self) -> None: ...
    def change(self, found: Found) -> None:
        """Bring it to the desired state."""

    def restore(self, found: Found) -> None:
        """Bring it back to the state found."""

    def delete(self) -> None:
        """Delete it, if it exists."""


@dataclass(frozen=True)
class Change:
    """A line of a plan: an action on a resource, and the reasons."""

    action: str
    kind: str
    name: str
    why: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(resources: Sequence[Resource]) -> list[Change]:
    """The changes that `apply` would make, without making them."""
    with aws_errors():
        return [_plan_change(resource, resource.find()) for resource in resources]


def plan_removal(resources: Sequence[Resource]) -> list[Change]:
    """The deletions that `remove` would make, without making them."""
    with aws_errors():
        return [
            Change(DELETE, resource.kind, resource.name)
            for resource in reversed(resources)
            if resource.find() is not None
        ]


def apply(resources: Sequence[Resource], progress: ProgressReporter) -> list[Change]:
    """Bring all resources to the desired state; on failure, restore the states found."""
    progress.start("Looking at what is there")
    plan(resources)  # errors such as another owner come before any change
    done: list[tuple[Resource, Found | None]] = []
    changes: list[Change] = []
    try:
        with aws_errors():
            for number, resource in enumerate(resources):
                found = resource.find()
                change = _plan_change(resource, found)
                changes.append(change)
                if change.action == KEEP:
                    continue
                progress.update(
                    f"{_PROGRESS_TEXTS[change.action]} the {resource.kind} {resource.name}", number, len(resources)
                )
                done.append((resource, found))
                if found is None:
                    resource.create()
                else:
                    resource.change(found)
    except BaseException as error:
        remaining = _undo(done, progress)
        if isinstance(error, MlcraftError):
            state = f"all is as it was before, but for {remaining}" if remaining else "all is as it was before"
            raise DeployingError(f"{error}; {state}") from error
        raise
    return changes


def remove(resources: Sequence[Resource], progress: ProgressReporter) -> list[Change]:
    """Delete all resources that exist, in reverse order."""
    changes = plan_removal(resources)
    names = {(change.kind, change.name) for change in changes}
    with aws_errors():
        for number, resource in enumerate(reversed(resources)):
            if (resource.kind, resource.name) in names:
                progress.update(f"Deleting the {resource.kind} {resource.name}", number, len(resources))
                resource.delete()
    return changes


_PROGRESS_TEXTS = {CREATE: "Making", CHANGE: "Changing"}


def _plan_change(resource: Resource, found: Found | None) -> Change:
    if found is None:
        return Change(CREATE, resource.kind, resource.name)
    why = tuple(resource.differences(found))
    return Change(CHANGE if why else KEEP, resource.kind, resource.name, why)


def _undo(done: Sequence[tuple[Resource, Found | None]], progress: ProgressReporter) -> str:
    """Undo changes in reverse order; returns a description of those that could not be undone."""
    remaining = []
    for resource, found in reversed(done):
        progress.start(f"Taking back the {resource.kind} {resource.name}")
        try:
            with aws_errors():
                if found is None:
                    resource.delete()
                else:
                    resource.restore(found)
        except MlcraftError as error:
            remaining.append(f"the {resource.kind} {resource.name} ({error})")
    return ", ".join(remaining)
