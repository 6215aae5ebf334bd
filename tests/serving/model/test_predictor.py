"""Loading of model folders, and predictions equal to those of the model itself."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.model.predictor import Predictor
from airflow_mlcraft.serving.model.state import load_predictor
from airflow_mlcraft.serving.model.tables import table_from_frame
from tests.serving import models


@pytest.fixture
def predictor_of(model_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Predictor]:
    monkeypatch.setenv("MLCRAFT_TRUSTED_TYPES", models.TRUST["MLCRAFT_TRUSTED_TYPES"])
    return lambda name: load_predictor(model_of(name))


@pytest.mark.parametrize(
    "name", ["linear", "forest", "small_forest", "people", "boosted", "strict", "threshold", "ridge", "trees", "named"]
)
def test_predictions_equal_those_of_the_model(name: str, predictor_of: Callable[[str], Predictor]) -> None:
    estimator, frame, target = models.MAKERS[name]()
    estimator.fit(frame, target)
    predictor = predictor_of(name)
    table = table_from_frame(frame, predictor.signature)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = predictor.predict(table)
    wanted = estimator.predict(frame)
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=1e-10)
    else:
        np.testing.assert_array_equal(found, wanted)
    assert predictor.has_probabilities == hasattr(estimator, "predict_proba")
    if predictor.has_probabilities:
        np.testing.assert_allclose(predictor.probabilities(table), estimator.predict_proba(frame), rtol=1e-10)
    one_by_one = [predictor.predict(table.rows(row, row + 1))[0] for row in range(5)]
    np.testing.assert_allclose(one_by_one, wanted[:5]) if wanted.dtype.kind == "f" else None


@pytest.mark.parametrize("name", ["linear", "forest", "people", "boosted", "strict", "threshold", "ridge", "trees"])
def test_most_models_predict_from_arrays(name: str, predictor_of: Callable[[str], Predictor]) -> None:
    assert predictor_of(name).implementation == "arrays"


def test_a_model_that_needs_data_frames(predictor_of: Callable[[str], Predictor]) -> None:
    assert predictor_of("named").implementation == "data frames"


def test_nullable_columns_are_detected(predictor_of: Callable[[str], Predictor]) -> None:
    nullable = {column.name: column.nullable for column in predictor_of("people").signature.columns}
    assert nullable == {"age": True, "income": True, "city": True, "member": False, "job": True}
    assert not any(column.nullable for column in predictor_of("ridge").signature.columns)


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="it has no file MLmodel"):
        load_predictor(tmp_path)


def test_the_server_imports_neither_airflow_nor_mlflow(model_of: Callable[[str], Path]) -> None:
    program = (
        "import sys; from pathlib import Path; from airflow_mlcraft.serving.process import command, worker; "
        "from airflow_mlcraft.serving.model.state import load_predictor; load_predictor(Path(sys.argv[1])); "
        "print([name for name in ('airflow', 'mlflow', 'airflow_mlcraft.settings') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(model_of("linear"))], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_mlflow_itself_runs_what_a_model_folder_names(tmp_path: Path) -> None:
    """The server does not; hence the warning against `mlflow.pyfunc` for folders of unknown origin."""
    there = tmp_path / "there"
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mlcraft_loader_of_the_tests.py").write_text(
        f"from pathlib import Path\n\ndef _load_pyfunc(path):\n    Path({str(there)!r}).touch()\n    return object()\n"
    )
    (tmp_path / "MLmodel").write_text(
        'flavors: {"python_function": {"loader_module": "mlcraft_loader_of_the_tests", "code": "code"}}\n'
    )
    with pytest.raises(ServingError, match="would run code when it is loaded"):
        load_predictor(tmp_path)
    assert not there.exists()
    program = "import sys, mlflow; mlflow.pyfunc.load_model(sys.argv[1])"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=False)
    assert there.exists()


def test_a_model_that_would_run_code(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text('flavors: {"python_function": {"loader_module": "os", "data": "x"}}\n')
    with pytest.raises(ServingError, match="would run code when it is loaded"):
        load_predictor(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "model.skops").write_bytes(b"no"), "cannot be read as a model"),
        (lambda folder: (folder / "model.skops").unlink(), "is no whole model"),
        (lambda folder: (folder / "MLmodel").write_text("["), "cannot be read"),
        (lambda folder: (folder / "serving_input_example.json").unlink(), "has no input example"),
        (lambda folder: (folder / "serving_input_example.json").write_text("{"), "is not JSON"),
    ],
)
def test_a_broken_model(
    change: Callable[[Path], object], message: str, tmp_path: Path, model_of: Callable[[str], Path]
) -> None:
    import shutil

    folder = Path(shutil.copytree(model_of("linear"), tmp_path / "model"))
    change(folder)
    with pytest.raises(MlcraftError, match=message):
        load_predictor(folder)
