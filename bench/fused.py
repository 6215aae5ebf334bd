"""Fused steps: 100 echoes, and 200 short steps in a chain and side by side, against `cwltool --parallel`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.command import warm_parent
from bench.measure import ROOT, Figure, environment, median, ratio
from bench.runners import BIN, timed

_ECHO = ROOT / "bench" / "documents" / "echo.cwl"
_SECONDS, _STEPS = 0.1, 200


def figures() -> list[Figure]:
    """The figures of this benchmark."""
    with TemporaryDirectory(prefix="bench-fused-") as name:
        home = Path(name)
        words = {"words": [f"word{number}" for number in range(100)]}
        echo = _measure(home, _ECHO, words, rounds=3, unfused=True)
        chain = _measure(home, _write(home / "chain.cwl", _chain()), {}, rounds=1)
        beside = _measure(home, _write(home / "beside.cwl", _side_by_side()), {}, rounds=1)
    return [
        _figure("a 100-way echo scatter, fused, cold", echo, "cold", "cwltool", "≤ 1.5"),
        _figure("the same through a warm parent", echo, "warm", "cwltool", "≤ 0.8"),
        _figure("the same fused, cold", echo, "cold", "unfused", ""),
        _figure(f"{_STEPS} steps of {_SECONDS} s in a chain, fused, cold", chain, "cold", "cwltool", "≤ 1.5"),
        _figure("the same side by side", beside, "cold", "cwltool", "≤ 1.2"),
    ]


def _figure(name: str, sides: Mapping[str, list[float]], ours: str, theirs: str, aim: str) -> Figure:
    other = "`cwltool --parallel`" if theirs == "cwltool" else theirs
    detail = f"{median(sides[ours]):.1f} s / {median(sides[theirs]):.1f} s"
    return Figure(f"{name} / {other}", ratio(sides[ours], sides[theirs]), aim, detail)


def _measure(
    home: Path, document: Path, job: Mapping[str, Any], *, rounds: int, unfused: bool = False
) -> dict[str, list[float]]:
    """The seconds of each side, after a first run of ours that is not counted."""
    (home / "job.json").write_text(json.dumps(job))
    env = environment(home, MLCRAFT_HOME=str(home / "embedded"))
    arguments = ["--quiet", f"--outdir={home / 'out'}", str(document), str(home / "job.json")]
    fused = [str(BIN / "mlcraft-cwl-runner"), "--fuse=all", *arguments]
    sides = {"cold": fused, "warm": fused, "cwltool": [str(BIN / "cwltool"), "--parallel", *arguments]}
    if unfused:
        sides["unfused"] = [str(BIN / "mlcraft-cwl-runner"), "--fuse=off", *arguments]
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    timed(fused, env)
    with warm_parent(env, fused) as warm_env:
        for _ in range(rounds):
            for side, command in sides.items():
                seconds[side].append(timed(command, warm_env if side == "warm" else env)[0])
    return seconds


def _write(path: Path, document: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(document))
    return path


def _tool(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", f"sleep {_SECONDS}; echo done"],
        "inputs": inputs,
        "outputs": {"out": "stdout"},
        "stdout": "out.txt",
    }


def _chain() -> dict[str, Any]:
    """Steps of which each needs the file of the one before it."""
    steps = {
        f"step{number}": {
            "run": _tool({"before": "File?"}),
            "in": {"before": f"step{number - 1}/out"} if number else {},
            "out": ["out"],
        }
        for number in range(_STEPS)
    }
    return _workflow(steps, {"last": {"type": "File", "outputSource": f"step{_STEPS - 1}/out"}})


def _side_by_side() -> dict[str, Any]:
    steps = {f"step{number}": {"run": _tool({}), "in": {}, "out": ["out"]} for number in range(_STEPS)}
    sources = [f"step{number}/out" for number in range(_STEPS)]
    return _workflow(steps, {"all": {"type": "File[]", "outputSource": sources}})


def _workflow(steps: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": {"MultipleInputFeatureRequirement": {}},
        "inputs": {},
        "outputs": outputs,
        "steps": steps,
    }
