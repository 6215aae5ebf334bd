"""Tags: what mlcraft has made says so, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mlcraft.deploying.failures import DeployingError

PROJECT, TARGET, MADE_BY = "mlcraft:project", "mlcraft:target", "mlcraft:made-by"


@dataclass(frozen=True)
class Owner:
    """A project's deployment to a target."""

    project: str
    target: str

    @property
    def tags(self) -> dict[str, str]:
        return {PROJECT: self.project, TARGET: self.target, MADE_BY: "mlcraft"}

    def pairs(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """The tags as most of AWS wants them."""
        return [{key: name, value: text} for name, text in self.tags.items()]

    def check(self, kind: str, name: str, tags: Mapping[str, str]) -> None:
        """Refuse what somebody else has made."""
        if tags.get(PROJECT) == self.project and tags.get(TARGET) == self.target:
            return
        whose = f"it belongs to the project {tags[PROJECT]!r}" if PROJECT in tags else "mlcraft has not made it"
        raise DeployingError(
            f"the {kind} {name} is there already, and {whose}",
            f'choose another name: `name = "…"` below [targets.{self.target}] in mlcraft.toml',
        )


def plain(pairs: Sequence[Mapping[str, Any]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """A list of tags as a mapping."""
    return {str(pair[key]): str(pair[value]) for pair in pairs or ()}
