"""The shipped documents: in the package when it was installed, in the folder beside it when it is worked on."""

from __future__ import annotations

from pathlib import Path

from airflow_mlcraft.errors import MlcraftError

PACKAGE = Path(__file__).parents[1]


def shipped(*parts: str) -> Path:
    """A shipped file or folder, as `shipped("tools", "train.cwl")`."""
    for root in (PACKAGE / "shipped", PACKAGE.parent / "cwl"):
        if (found := root.joinpath(*parts)).exists():
            return found
    raise MlcraftError(f"{'/'.join(parts)} did not come with this installation of MLcraft; install it anew")
