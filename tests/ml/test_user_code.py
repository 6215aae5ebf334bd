"""The user's own files: loaded by path, mistakes told with file and line."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import user_code
from airflow_mlcraft.ml.estimators import build_estimator


def written(tmp_path: Path, text: str, name: str = "model.py") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_two_files_of_one_name_never_meet(tmp_path: Path) -> None:
    paths = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        paths.append(written(tmp_path / str(number), f"class Own:\n    number = {number}\n"))
    first, second = map(user_code.load, paths)
    assert (first.Own.number, second.Own.number) == (1, 2)
    assert first.Own.__module__ in sys.modules
    assert user_code.load(paths[0]) is first


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nothing_like_it\n", r"model\.py:1: ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("\n\ndef model(:\n", r"model\.py:3: "),
        ("x = 1\ny = x / 0\n", r"model\.py:2: ZeroDivisionError"),
        ("def model():\n    return helper()\ndef helper():\n    raise KeyError('k')\n", r"model\.py:4: KeyError: 'k'"),
        ("import sys\nsys.exit(3)\n", r"model\.py:2: SystemExit: 3"),
        ("def estimaters():\n    pass\n", "no function 'estimators'.*did you mean 'estimaters'"),
        ("def model():\n    return 7\n", "model is a int; expected an estimator"),
        ("def estimators():\n    return [1]\n", r"estimators\(\) gives a list"),
        ("estimators = {}\n", "estimators is a dict; expected a function"),
        ("from sklearn.linear_model import Ridge as model\n", r"model \(Ridge\) is no estimator for classification"),
    ],
)
def test_mistakes_are_told_with_file_and_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(StepError, match=words):
        build_estimator("classification", "model", {}, 0, written(tmp_path, text))


def test_own_estimators(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "from sklearn.ensemble import RandomForestClassifier\n"
        "def estimators():\n"
        "    return {'small': RandomForestClassifier(5), 'random_forest': RandomForestClassifier(7)}\n",
    )
    small = build_estimator("classification", "small", {"max_depth": 2}, 9, path)
    assert (small.n_estimators, small.max_depth, small.random_state) == (5, 2, 9)
    assert build_estimator("classification", "random_forest", {}, 9, path).n_estimators == 7
    assert build_estimator("classification", "naive_bayes", {}, 9, path).var_smoothing == 1e-9
    with pytest.raises(StepError, match="no model 'smal' for classification; did you mean 'small'"):
        build_estimator("classification", "smal", {}, 9, path)


def test_a_function_that_makes_the_model(tmp_path: Path) -> None:
    text = "from sklearn.linear_model import Ridge\ndef model(strength=1.0):\n    return Ridge(alpha=strength)\n"
    path = written(tmp_path, text)
    made = build_estimator("regression", "mine", {"strength": 3}, 4, path)
    assert (made.alpha, made.random_state) == (3, 4)
    with pytest.raises(StepError, match="unexpected keyword argument 'strenght'"):
        build_estimator("regression", "mine", {"strenght": 3}, 4, path)


def test_code_that_a_check_refuses_is_not_loaded_unless_somebody_vouches_for_it(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("value = 'of a model'\n")

    def refuse(path: Path) -> None:
        raise StepError(f"{path.name} is refused")

    with user_code.check_code_loads(refuse):
        with pytest.raises(StepError, match="own.py is refused"):
            user_code.load(own)
        user_code.trust_code(hashlib.sha256(own.read_bytes()).hexdigest())
        assert user_code.load(own).value == "of a model"
        own.write_text("value = 'another'\n")
        with pytest.raises(StepError, match="own.py is refused"):
            user_code.load(own)
    assert user_code.load(own).value == "another"
