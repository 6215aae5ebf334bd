"""process: what it makes, what it says, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from airflow_mlcraft.ml.data import batches, csv_file
from tests.ml.samples import Steps, generate_mixed_table, iris


def process(folder: Path, *how: str, frame: pd.DataFrame | None = None) -> Steps:
    (generate_mixed_table() if frame is None else frame).to_csv(folder / "data.csv", index=False)
    steps = Steps(folder)
    steps.run_checked("process", "--data", "data.csv", "--target", "target", *how)
    return steps


def read_recipe(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "recipe.json").read_text())
    return found


def test_what_it_makes(tmp_path: Path) -> None:
    steps = process(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "data.csv", "train.parquet", "test.parquet", "recipe.json", "profile.json", "record.json",
    }  # fmt: skip
    train = pd.read_parquet(tmp_path / "train.parquet")
    assert list(train.columns) == ["size", "leaves", "colour", "wild", "day", "target", "__row_hash__"]
    assert (train["wild"].dtype, train["day"].dtype.kind, len(train)) == (bool, "M", 93)
    assert steps.log_lines == [
        "the column 'note' is left out: it is text with 93 different values in 93 rows",
        "classification of 'target' from 5 columns: 93 rows for training, 27 for testing (random)",
    ]
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["params"]["split_by"] == "random"
    assert record["metrics"] == {"rows_train": 93, "rows_test": 27, "features": 5}


def test_the_same_bytes_again(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    process(tmp_path / "a")
    process(tmp_path / "b")
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


def test_groups_are_kept_but_are_no_feature(tmp_path: Path) -> None:
    process(tmp_path, "--group", "leaves")
    assert "leaves" in pd.read_parquet(tmp_path / "train.parquet")
    assert "leaves" not in str(read_recipe(tmp_path)["columns"])


def test_the_users_process_comes_first(tmp_path: Path) -> None:
    (tmp_path / "processor.py").write_text(
        "def process(frame, least=0):\n"
        "    frame = frame[frame['leaves'] >= least]\n"
        "    return frame.assign(double=frame['leaves'] * 2)\n"
    )
    process(tmp_path, "--code", "processor.py", "--params", '{"least": 4}', "--drop", "note", "day")
    train = pd.read_parquet(tmp_path / "train.parquet")
    assert train["leaves"].min() == 4
    assert (train["double"] == 2 * train["leaves"]).all()
    assert json.loads((tmp_path / "record.json").read_text())["params"]["process_least"] == 4


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def process(frame):\n    return frame['leafs']\n", "processor.py:2: KeyError: 'leafs'"),
        ("def process(frame):\n    return 1\n", "process() gives a int; expected a data frame"),
        ("def process(frame):\n    return frame[:0]\n", "process() gives a frame without rows"),
        ("def process(frame, x):\n    return frame\n", "missing 1 required positional argument: 'x'"),
        ("def proces(frame):\n    return frame\n", "no function 'process'; expected `def process(frame, **params)`"),
        ("def process(frame):\n    return frame.drop(columns='target')\n", "no column 'target' to predict"),
    ],
)
def test_mistakes_in_the_users_process(code: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "processor.py").write_text(code)
    generate_mixed_table().to_csv(tmp_path / "data.csv", index=False)
    steps = Steps(tmp_path)
    assert words in steps.run_for_error("process", "--data", "data.csv", "--target", "target", "--code", "processor.py")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "tarket"], "no column 'tarket' to predict; did you mean 'target'?"),
        (["--target", "x9"], "no column 'x9' to predict; there are: size, leaves"),
        (["--target", "colour"], "the target 'colour' is missing in"),
        (["--target", "target", "--drop", "nope"], "--drop: the data has no column 'nope'; did you mean 'note'?"),
        (["--target", "target", "--drop", "target"], "that is the column to predict"),
        (
            ["--target", "target", "--prediction", "regression"],
            "is to be predicted as a number, but has values such as '",
        ),
        (["--target", "target", "--prediction", "guess"], "'guess'; expected classification or regression"),
        (["--target", "target", "--impute", "magic"], "--impute is 'magic'; expected one of median, mean"),
        (["--target", "target", "--scale", "up"], "--scale is 'up'; expected one of standard, minmax"),
        (["--target", "target", "--params", "{}x"], "--params is not JSON"),
        (["--target", "target", "--params", '{"a": 1}'], "--params are for the function in --code"),
        (["--target", "target", "--params", "none.json"], "--params: there is no file none.json"),
    ],
)
def test_refusals(options: list[str], words: str, tmp_path: Path) -> None:
    generate_mixed_table().to_csv(tmp_path / "data.csv", index=False)
    assert words in Steps(tmp_path).run_for_error("process", "--data", "data.csv", *options)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "data.csv"),
        (b"a,target\n", "no rows"),
        (b"a,target\n1,x\n2,x\n3,x\n4,x\n5,x\n", "one class only, 'x'"),
        (b"a,target\n1,x\n2\n3,y,7,8\n", "data.csv"),
        (b"\xff\xfe\x00\x01\x02garbage\x00\x9c", "data.csv"),
        (b'{"a": [1,', "data.csv"),
        (b"a,target\n1,x\n2,\n3,y\n4,x\n", "missing in 1 of 4 rows, first in row 2"),
        (b"a,target\n1,x\n", "1 row;"),
        (b"a,a,target\n1,2,x\n1,3,y\n", "a"),
    ],
)
def test_data_that_cannot_be_used(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    sentence = Steps(tmp_path).run_for_error("process", "--data", "data.csv", "--target", "target")
    assert words in sentence
    assert "Traceback" not in sentence


def test_the_only_row_of_a_class_is_learned_from(tmp_path: Path) -> None:
    frame = iris()
    frame.loc[frame.sample(1, random_state=1).index, "target"] = "rare"
    for seed in range(8):
        folder = tmp_path / str(seed)
        folder.mkdir()
        steps = process(folder, "--seed", str(seed), frame=frame)
        assert steps.log_lines[0] == (
            "the test part gets rows of each class, as with --stratify, because the class 'rare' has 1 of 150 rows "
            "(0.67%)"
        )
        assert "the test part has no row of 'rare' of 'target'" in steps.log_lines[1]
        assert "rare" in set(pd.read_parquet(folder / "train.parquet")["target"])
        assert read_recipe(folder)["split"]["by"] == "stratify"  # type: ignore[index]


def test_a_class_that_only_the_test_part_has(tmp_path: Path) -> None:
    frame = iris().assign(day=range(150))
    frame.loc[149, "target"] = "rare"
    frame.to_csv(tmp_path / "data.csv", index=False)
    refused = Steps(tmp_path).run_for_error("process", "--data", "data.csv", "--target", "target", "--time", "day")
    assert "the class 'rare', which no training row has; split with --stratify" in refused


def test_gaps_are_filled_by_column(tmp_path: Path) -> None:
    steps = process(tmp_path, "--impute", '{"size": "zero"}', frame=generate_mixed_table())
    columns = {one["name"]: one["impute"] for one in json.loads((tmp_path / "recipe.json").read_text())["columns"]}
    assert (columns["size"], columns["leaves"]) == ("zero", "median")
    wrong = ("process", "--data", "data.csv", "--target", "target", "--impute")
    assert "--impute: the data has no column 'sise'; did you mean 'size'?" in steps.run_for_error(
        *wrong, '{"sise": "zero"}'
    )
    assert "--impute is 'magic'; expected one of median" in steps.run_for_error(*wrong, '{"size": "magic"}')


def test_mixed_types_are_told(tmp_path: Path) -> None:
    frame = generate_mixed_table().astype({"size": object})
    frame.loc[:3, "size"] = "large"
    steps = process(tmp_path, frame=frame)
    assert any("the column 'size' mixes" in line and "taken for numbers" in line for line in steps.log_lines)


def test_a_thousand_columns_from_end_to_end(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.normal(size=(80, 999)), columns=[f"x{place}" for place in range(999)])
    steps = process(tmp_path, frame=frame.assign(target=np.where(frame["x0"] > 0, "yes", "no")))
    parts = ("--train", "train.parquet", "--recipe", "recipe.json", "--folds", "2")
    steps.run_checked("train", *parts, "--model", "random_forest", "--params", '{"n_estimators": 10}')
    steps.run_checked("evaluate", "--models", "model", "--test", "test.parquet")
    steps.run_checked("predict", "--model", "champion", "--data", "data.csv")
    assert len(pd.read_csv(tmp_path / "predictions.csv").columns) == 1003


def test_rows_keep_their_side_when_the_processor_changes(tmp_path: Path) -> None:
    """Rows are told by their source, whatever the processor makes of them, in whatever order."""
    sides = []
    for number, body in enumerate(
        (
            "frame",
            "frame.assign(size=frame['size'] * 2, more=1.5).rename(columns={'leaves': 'leafs'})",
            "frame.sort_values('size')[frame['leaves'] > 2]",
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "processor.py").write_text(f"def process(frame):\n    return {body}\n")
        process(folder, "--code", "processor.py")
        sides.append(
            {part: set(pd.read_parquet(folder / f"{part}.parquet")["__row_hash__"]) for part in ("train", "test")}
        )
    assert sides[0] == sides[1]
    assert sides[2]["train"] < sides[0]["train"]
    assert sides[2]["test"] < sides[0]["test"]


def test_rows_that_are_not_rows_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "processor.py").write_text(
        "def process(frame):\n    return frame[frame['leaves'] > 2].reset_index(drop=True)\n"
    )
    process(tmp_path, "--code", "processor.py")
    split = read_recipe(tmp_path)["split"]
    assert split["rows"]["by"] == "processed"  # type: ignore[index]


def test_an_id_decides_and_is_no_feature(tmp_path: Path) -> None:
    frame = generate_mixed_table().assign(customer=[f"c{number}" for number in range(120)])
    (tmp_path / "later").mkdir()
    process(tmp_path, "--id", "customer", frame=frame)
    changed = frame.assign(size=frame["size"] + 1, fresh=range(120)).sample(frac=1, random_state=3)
    process(tmp_path / "later", "--id", "customer", frame=changed)
    first, second = (pd.read_parquet(folder / "test.parquet") for folder in (tmp_path, tmp_path / "later"))
    assert set(first["__row_hash__"]) == set(second["__row_hash__"])
    assert "customer" not in str(read_recipe(tmp_path)["columns"])


@pytest.mark.parametrize(
    "how",
    [
        (),
        ("--stratify",),
        ("--group", "leaves"),
        ("--time", "day"),
        ("--id", "note"),
        ("--id", "size"),
        ("--drop", "note", "wild"),
        ("--prediction", "classification", "--types", '{"size": "category"}'),
    ],
)
@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_batches_give_what_the_whole_gives(
    how: tuple[str, ...], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parts, the recipe and the profile; from a table that is larger than a batch, and from one that is not."""
    frame = generate_mixed_table(400)
    frame["size"] = frame["size"].where(frame.index > 200, 3.5)
    frame["late"] = np.where(frame.index > 300, frame["leaves"] * 0.5, np.nan)
    getattr(frame, "to_csv" if name == "data.csv" else "to_parquet")(tmp_path / name, index=False)
    steps = Steps(tmp_path)
    steps.run_checked("process", "--data", name, "--target", "target", *how)
    output, kept = list(steps.log_lines), ("recipe.json", "profile.json", "record.json")
    whole = {file: (tmp_path / file).read_bytes() for file in kept}
    parts = {port: pd.read_parquet(tmp_path / f"{port}.parquet") for port in ("train", "test")}
    monkeypatch.setattr(batches, "BATCH_ROWS", 37)
    monkeypatch.setattr(csv_file, "SMALL_BLOCK", 1 << 11)
    steps.run_checked("process", "--data", name, "--target", "target", *how)
    assert steps.log_lines == output * 2
    assert {file: (tmp_path / file).read_bytes() for file in kept} == whole
    for port, part in parts.items():
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{port}.parquet"), part)
    assert not list(tmp_path.glob(".process-*"))
