"""Other servers of Python models, each in an environment of its own: BentoML, MLServer, and a plain route of FastAPI.

All serve the pipeline itself (`predict` with a data frame), in one worker, and take rows in their own format.
The environments are made by uv in the folder that MLCRAFT_BENCH_ENVIRONMENTS names, and used again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.measure import ROOT
from bench.postgres import free_port
from bench.serving_load import UnavailableError, run_server
from bench.serving_models import ServedModel

ENVIRONMENTS = Path(
    os.environ.get("MLCRAFT_BENCH_ENVIRONMENTS") or Path.home() / ".cache" / "mlcraft-bench" / "environments"
)
_SAME = ("scikit-learn", "skops", "numpy", "pandas")
"""In the versions of this environment, so that all sides run the same pipeline."""
_LOAD = """
from skops import io
file = {file!r}
model = io.load(file, trusted=io.get_untrusted_types(file=file))
"""
# A typical route: the whole program.
_FASTAPI = """
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel
{load}
app = FastAPI()

class Rows(BaseModel):
    columns: list[str]
    data: list[list]

@app.post("/predict")
def predict(rows: Rows):
    frame = pd.DataFrame(rows.data, columns=rows.columns)
    return {{"predictions": model.predict(frame).tolist()}}

@app.get("/health")
def health():
    return "ready"
"""
_BENTOML = """
import bentoml
import pandas as pd
{load}

@bentoml.service(workers=1)
class Model:
    @bentoml.api
    def predict(self, rows: pd.DataFrame) -> list:
        return model.predict(rows).tolist()
"""
# MLServer's own runtime for scikit-learn reads a file of joblib.
_JOBLIB = """
import joblib
{load}
joblib.dump(model, "model.joblib")
"""
_DATATYPES = {bool: "BOOL", float: "FP64", int: "INT64"}


@dataclass(frozen=True)
class Peer:
    """How a server is installed, started and requested. `files` and `command` are for a model and a port."""

    name: str
    package: str
    packages: Sequence[str]
    files: Callable[[str, int], Mapping[str, str]]
    command: Callable[[int], Sequence[str]]
    path: str
    health: str
    body: Callable[[Sequence[str], list[list[Any]]], Any]
    predictions: Callable[[Any], list[Any]]
    before: Sequence[str] = ()

    @property
    def binaries(self) -> Path:
        return ENVIRONMENTS / self.package / "bin"

    def install(self) -> str:
        """Create the environment; returns the version of the server in it. Raises UnavailableError with the reason."""
        place = ENVIRONMENTS / self.package
        same = [f"{name}=={version(name)}" for name in _SAME]
        if not (self.binaries / "python").exists():
            _uv("venv", "--quiet", "--python", sys.executable, str(place))
        _uv("pip", "install", "--quiet", "--python", str(self.binaries / "python"), *self.packages, *same)
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        process = subprocess.run([self.binaries / "python", "-c", code], capture_output=True, text=True, check=True)
        return process.stdout.strip()

    @contextmanager
    def serve(self, folder: Path, model: Path) -> Iterator[int]:
        """Run the server in a folder of its own; gives its port."""
        port, place = free_port(), folder / f"{self.package}-{model.parent.name}"
        place.mkdir()
        load = _LOAD.format(file=str(model / "model.skops"))
        for name, text in self.files(load, port).items():
            (place / name).write_text(text)
        if self.before:
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            subprocess.run([self.binaries / "python", *self.before], cwd=place, env=env, check=True)
        program, *arguments = self.command(port)
        with run_server([str(self.binaries / program), *arguments], place, port, self.health, binaries=self.binaries):
            yield port

    def request(self, served: ServedModel, rows: int) -> bytes:
        """A request with so many rows in the server's own format."""
        return json.dumps(self.body(served.columns, served.first(rows))).encode()


def _uv(*words: str) -> None:
    process = subprocess.run([sys.executable, "-m", "uv", *words], capture_output=True, text=True, check=False)
    if process.returncode:
        lines = [line.strip() for line in process.stderr.splitlines() if line.strip()]
        raise UnavailableError("; ".join(lines[-2:]) or f"uv {words[0]} ended with {process.returncode}")


def _records(columns: Sequence[str], rows: list[list[Any]]) -> Any:
    return {"rows": [dict(zip(columns, row, strict=True)) for row in rows]}


def _tensors(columns: Sequence[str], rows: list[list[Any]]) -> Any:
    """The rows in the Open Inference Protocol: a tensor per column, which MLServer converts to a data frame."""
    inputs = []
    for name, values in zip(columns, map(list, zip(*rows, strict=True)), strict=True):
        kind = next((type(value) for value in values if value is not None), str)
        datatype = _DATATYPES.get(kind, "BYTES")
        inputs.append({"name": name, "shape": [len(values), 1], "datatype": datatype, "data": values})
    return {"parameters": {"content_type": "pd"}, "inputs": inputs}


def _mlserver_files(load: str, port: int) -> Mapping[str, str]:
    settings = {
        "debug": False,
        "parallel_workers": 0,
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
    }
    model = {
        "name": "model",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib"},
    }
    return {
        "settings.json": json.dumps(settings),
        "model-settings.json": json.dumps(model),
        "convert.py": _JOBLIB.format(load=load),
    }


PEERS = (
    Peer(
        name="MLServer",
        package="mlserver",
        packages=("mlserver", "mlserver-sklearn"),
        files=_mlserver_files,
        command=lambda port: ("mlserver", "start", "."),
        path="/v2/models/model/infer",
        health="/v2/models/model/ready",
        body=_tensors,
        predictions=lambda answer: list(answer["outputs"][0]["data"]),
        before=("convert.py",),
    ),
    Peer(
        name="BentoML",
        package="bentoml",
        packages=("bentoml",),
        files=lambda load, port: {"service.py": _BENTOML.format(load=load)},
        command=lambda port: ("bentoml", "serve", "service:Model", "--host", "127.0.0.1", "--port", str(port)),
        path="/predict",
        health="/readyz",
        body=_records,
        predictions=list,
    ),
    Peer(
        name="a plain FastAPI route",
        package="fastapi",
        packages=("fastapi", "uvicorn[standard]"),
        files=lambda load, port: {"service.py": _FASTAPI.format(load=load)},
        command=lambda port: ("uvicorn", "service:app", "--no-access-log", "--port", str(port)),
        path="/predict",
        health="/health",
        body=lambda columns, rows: {"columns": list(columns), "data": rows},
        predictions=lambda answer: list(answer["predictions"]),
    ),
)
