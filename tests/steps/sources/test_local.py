"""Files that are here, one or several, and the data that scikit-learn brings."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from tests.steps.sources.conftest import Retrieval


def write(retrieve: Retrieval, **files: str | bytes) -> None:
    for name, content in files.items():
        path = retrieve.folder / name.replace("__", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_one_file(retrieve: Retrieval, tmp_path: Path) -> None:
    path = tmp_path / "my data [1].csv"
    path.write_bytes(b"a;b\r\n1,5;x\r\n")
    for source in (str(path), path.as_uri()):
        assert retrieve(source) == 0, retrieve.log
        assert retrieve.data() == path.read_bytes()
        assert retrieve.json("record")["params"]["source"] == "my data [1].csv"
        assert str(tmp_path) not in retrieve.everything()
    assert not (retrieve.folder / "data.csv").samefile(path)
    assert (retrieve.folder / "data.csv").stat().st_nlink == 1


def test_a_packed_file_stays_packed(retrieve: Retrieval) -> None:
    write(retrieve, a__csv__gz=gzip.compress(b"a,b\n1,2\n"))
    assert retrieve("a.csv.gz") == 0, retrieve.log
    assert gzip.decompress(retrieve.data("csv.gz")) == b"a,b\n1,2\n"


def test_files_of_one_kind_come_together(retrieve: Retrieval) -> None:
    write(retrieve, p2__csv="a,b\n3,4", p1__csv=b'\xef\xbb\xbf"a",b\n1,"x\ny"\n', p3__csv="\na,b\n5,6\n")
    assert retrieve("p*.csv") == 0, retrieve.log
    assert retrieve.data().decode() == '"a",b\n1,"x\ny"\n3,4\n5,6\n'
    assert retrieve.json("profile")["rows"] == 3
    assert retrieve("", "--file", "p2.csv", "--file", "p1.csv", "--name", "both") == 0, retrieve.log
    assert retrieve.json("profile")["rows"] == 2
    assert retrieve.json("record")["datasets"][0]["name"] == "both"


def test_other_kinds_come_together_too(retrieve: Retrieval) -> None:
    write(retrieve, a__jsonl='{"x":1}\n{"x":2}', b__jsonl='\n{"x":3}\n', a__json='[{"x":1}]', b__json='{"x":[2,3]}')
    write(retrieve, a__txt="hello", b__txt="world\n")
    for place in (1, 2):
        pd.DataFrame({"x": [place]}).to_parquet(retrieve.folder / f"{place}.parquet")
    assert retrieve("*.jsonl") == 0, retrieve.log
    assert retrieve.data("jsonl") == b'{"x":1}\n{"x":2}\n{"x":3}\n'
    assert retrieve("[ab].json") == 0, retrieve.log
    assert json.loads(retrieve.data("json")) == [{"x": 1}, {"x": 2}, {"x": 3}]
    assert retrieve("[12].parquet") == 0, retrieve.log
    assert pd.read_parquet(retrieve.folder / "data.parquet")["x"].tolist() == [1, 2]
    assert retrieve("[ab].txt") == 0, retrieve.log
    assert retrieve.data("txt") == b"hello\nworld\n"


@pytest.mark.parametrize(
    ("one", "two", "words"),
    [
        ("a,b\n1,2\n", "a,c,d\n1,2,3\n", "it lacks 'b' and has 'c', 'd' in addition"),
        ("a,b\n1,2\n", "b,a\n1,2\n", "it has them in another order"),
        ("a,b\n1,2\n", "a;b\n1;2\n", "separated by ';'"),
        ('{"a":1}\n{"a":1}\n', '{"b":1}\n{"b":1}\n', "it lacks 'a' and has 'b' in addition"),
        ('[{"a":1}]', '[{"b":1}]', "it lacks 'a'"),
        ("a,b\n1,2\n", '{"a":1}', "is csv, but two.dat is json"),
    ],
)
def test_files_that_do_not_fit(one: str, two: str, words: str, retrieve: Retrieval) -> None:
    write(retrieve, one__dat=one, two__dat=two)
    assert retrieve("*.dat") == 1
    assert words in retrieve.log


def test_parquet_that_does_not_fit(retrieve: Retrieval) -> None:
    pd.DataFrame({"x": [1]}).to_parquet(retrieve.folder / "1.parquet")
    pd.DataFrame({"x": ["a"]}).to_parquet(retrieve.folder / "2.parquet")
    assert retrieve("[12].parquet") == 1
    assert "the column 'x' is int64 in 1.parquet" in retrieve.log


def test_what_is_not_there(retrieve: Retrieval) -> None:
    (retrieve.folder / "folder").mkdir()
    for source, words in (
        ("none.csv", "there is no such file"),
        ("*.csv", "no file is of this pattern"),
        ("folder", "folder is a folder"),
        ("file://other/data.csv", "names the machine other"),
        ("sklearn:roses", "expected one of iris"),
    ):
        assert retrieve(source) == 1
        assert words in retrieve.log
    assert retrieve("", "--file", "none.csv") == 1
    assert "--file: there is no file none.csv" in retrieve.log
    assert retrieve("") == 1
    assert "give --source or --file" in retrieve.log
    assert retrieve("x", "--format", "xml") == 1


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud"])
def test_data_of_scikit_learn(name: str, retrieve: Retrieval) -> None:
    from sklearn import datasets

    from airflow_mlcraft.ml.data.read import read_frame

    assert retrieve(f"sklearn:{name}") == 0, retrieve.log
    expected = getattr(datasets, f"load_{name}")(as_frame=True).frame
    pd.testing.assert_frame_equal(
        read_frame(retrieve.folder / "data.csv"), expected, check_dtype=False, check_exact=True
    )
    first = {path.name: path.read_bytes() for path in retrieve.folder.iterdir()}
    assert retrieve(f"sklearn:{name}") == 0
    assert {path.name: path.read_bytes() for path in retrieve.folder.iterdir()} == first


def test_the_log_tells_what_the_data_is(retrieve: Retrieval) -> None:
    write(retrieve, a__csv="id,age,joined\n1,30,2020-01-01\n2,,2021-06-30\n3,old,2022-01-01\n")
    assert retrieve("a.csv") == 0
    assert retrieve.log_lines[1:] == [
        "3 rows, 3 columns, 61 bytes (csv, utf-8)",
        "column  type     nulls  distinct  range",
        "id      integer  0      3         1 … 3, mean 2",
        "age     mixed    1      2         up to 3 characters",
        "joined  time     0      3         2020-01-01T00:00:00 … 2022-01-01T00:00:00",
        "note: the column 'age' is mixed: a number in 1 of 3 rows, unlike the others, first '30' in row 1; "
        "it is read as text",
    ]


def test_empty_data(retrieve: Retrieval) -> None:
    write(retrieve, empty__csv="", blank__csv=" \n\n", header__csv="a,b\n", json__json="[]")
    for name, words in (
        ("empty.csv", "it has no byte"),
        ("blank.csv", "nothing but white space"),
        ("header.csv", "it has the columns a, b, but no rows"),
        ("json.json", "neither columns nor rows"),
    ):
        assert retrieve(name) == 1
        assert words in retrieve.log


def test_several_sources(retrieve: Retrieval) -> None:
    write(retrieve, a__csv="x,y\n1,2\n", b__csv="x,y\n3,4\n")
    assert retrieve("", "--sources", "b.csv", "a.csv") == 0, retrieve.log
    assert retrieve.data() == b"x,y\n3,4\n1,2\n"
    assert retrieve("", "--sources", "b.csv", "a.csv", "--checksum", f"md5:{'0' * 32}") == 1
    assert "--checksum is of one source" in retrieve.log


def test_code_of_the_users_own(retrieve: Retrieval) -> None:
    write(
        retrieve,
        a__csv="x\n1\n2\n",
        b__csv="x\n3\n4\n",
        own__py="""
import pandas as pd

def retrieve(sources, fetch):
    return pd.concat([fetch(source) for source in sources], ignore_index=True) * 10
""",
    )
    assert retrieve("", "--sources", "a.csv", "b.csv", "--code", "own.py") == 0, retrieve.log
    assert pd.read_parquet(retrieve.folder / "data.parquet")["x"].tolist() == [10, 20, 30, 40]
    write(
        retrieve,
        kept__csv="x\n5\n",
        own__py="""
from pathlib import Path

def retrieve(sources, fetch):
    return Path(__file__).with_name("kept.csv")
""",
    )
    assert retrieve("a.csv", "--code", "own.py") == 0, retrieve.log
    assert retrieve.data() == b"x\n5\n"
    assert (retrieve.folder / "kept.csv").stat().st_nlink == 1
    write(retrieve, own__py="def retrieve(sources, fetch):\n    return fetch('none.csv')\n")
    assert retrieve("a.csv", "--code", "own.py") == 1
    assert "none.csv: there is no such file" in retrieve.log
