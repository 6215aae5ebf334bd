"""What a deployment takes: planned first, made in order, and undone in the reverse order when something fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from airflow_mlcraft.deploying.aws.account import refusals
from airflow_mlcraft.deploying.errors import DeployingError, Watch
from airflow_mlcraft.errors import MlcraftError

CREATE, CHANGE, KEEP, DELETE = "create", "change", "keep", "delete"
Found = dict[str, Any]


class Resource(Protocol):
    """Something in AWS. `found` is what `find` has given, and is asked for again at each run."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    def find(self) -> Found | None:
        """What is there; None where nothing is. What is somebody else's is refused."""

    def differences(self, found: Found) -> list[str]:
        """In which ways it is not as it should be."""

    def create(self) -> None: ...
    def change(self, found: Found) -> None:
        """Make it as it should be."""

    def restore(self, found: Found) -> None:
        """Make it as it was."""

    def delete(self) -> None:
        """Remove it; it is no mistake if it is not there."""


@dataclass(frozen=True)
class Change:
    """One line of a plan."""

    action: str
    kind: str
    name: str
    why: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(resources: Sequence[Resource]) -> list[Change]:
    """What `apply` would do now; nothing is changed."""
    with refusals():
        return [_planned(resource, resource.find()) for resource in resources]


def plan_removal(resources: Sequence[Resource]) -> list[Change]:
    """What `remove` would do now."""
    with refusals():
        return [
            Change(DELETE, resource.kind, resource.name)
            for resource in reversed(resources)
            if resource.find() is not None
        ]


def apply(resources: Sequence[Resource], watch: Watch) -> list[Change]:
    """Make everything as it should be, or leave everything as it was."""
    watch.say("Looking at what is there")
    plan(resources)  # what cannot be is refused before anything is made
    done: list[tuple[Resource, Found | None]] = []
    made: list[Change] = []
    try:
        with refusals():
            for number, resource in enumerate(resources):
                found = resource.find()
                change = _planned(resource, found)
                made.append(change)
                if change.action == KEEP:
                    continue
                watch.doing(f"{_DOING[change.action]} the {resource.kind} {resource.name}", number, len(resources))
                done.append((resource, found))
                if found is None:
                    resource.create()
                else:
                    resource.change(found)
    except BaseException as error:
        left = _undo(done, watch)
        if isinstance(error, MlcraftError):
            how = f"all is as it was before, but for {left}" if left else "all is as it was before"
            raise DeployingError(f"{error}; {how}") from error
        raise
    return made


def remove(resources: Sequence[Resource], watch: Watch) -> list[Change]:
    """Delete everything that is there, the last first."""
    changes = plan_removal(resources)
    names = {(change.kind, change.name) for change in changes}
    with refusals():
        for number, resource in enumerate(reversed(resources)):
            if (resource.kind, resource.name) in names:
                watch.doing(f"Deleting the {resource.kind} {resource.name}", number, len(resources))
                resource.delete()
    return changes


_DOING = {CREATE: "Making", CHANGE: "Changing"}


def _planned(resource: Resource, found: Found | None) -> Change:
    if found is None:
        return Change(CREATE, resource.kind, resource.name)
    why = tuple(resource.differences(found))
    return Change(CHANGE if why else KEEP, resource.kind, resource.name, why)


def _undo(done: Sequence[tuple[Resource, Found | None]], watch: Watch) -> str:
    """Take back what was done; gives what could not be."""
    left = []
    for resource, found in reversed(done):
        watch.say(f"Taking back the {resource.kind} {resource.name}")
        try:
            with refusals():
                if found is None:
                    resource.delete()
                else:
                    resource.restore(found)
        except MlcraftError as error:
            left.append(f"the {resource.kind} {resource.name} ({error})")
    return ", ".join(left)
