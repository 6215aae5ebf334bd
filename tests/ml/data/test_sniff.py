"""Files told apart by their content."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pandas as pd
import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data.csv_dialect import Dialect
from airflow_mlcraft.ml.data.sniff import FileFormat, detect_format


def detect_text_format(tmp_path: Path, content: str | bytes, name: str = "data") -> FileFormat:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return detect_format(path)


def parquet() -> bytes:
    target = io.BytesIO()
    pd.DataFrame({"a": [1]}).to_parquet(target)
    return target.getvalue()


@pytest.mark.parametrize("name", ["data", "data.txt", "data.bin", "data.json", "data.parquet"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2\n3,4\n", "csv"),
        ("a\tb\nx\ty\nz\tw\n", "csv"),
        ("n\n1\n2\n3\n", "csv"),
        ('[{"a": 1}, {"a": 2}]', "json"),
        ('{\n  "a": [1, 2]\n}', "json"),
        ('{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("One thing, and another.\nThen nothing more.\n\nThe end, as they say, of it.\n", "text"),
        ("[section]\nkey = value\n", "text"),
        (parquet(), "parquet"),
    ],
)
def test_names_do_not_matter(content: str | bytes, expected: str, name: str, tmp_path: Path) -> None:
    assert detect_text_format(tmp_path, content, name).format == expected


def test_names_decide_where_content_cannot(tmp_path: Path) -> None:
    assert detect_text_format(tmp_path, "name\nanna\nbert\n", "data.csv").format == "csv"
    assert detect_text_format(tmp_path, "name\nanna\nbert\n", "data.txt").format == "text"
    assert detect_text_format(tmp_path, '{"a": 1}\n', "data.jsonl").format == "jsonl"
    assert detect_text_format(tmp_path, '{"a": 1}\n', "data.json").format == "json"
    assert detect_text_format(tmp_path, "a,b\n", "data.csv").format == "csv"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2.5\n", Dialect()),
        ("a;b\n1,5;x\n2,25;y\n", Dialect(";", decimal=",")),
        ("a;b\n1.5;x\n2.25;y\n", Dialect(";")),
        ("a;b\n1,500;x\n", Dialect(";")),
        ("a|b\n1|2\n", Dialect("|")),
        ('a,b\n"x;y;z",1\n"u;v;w",2\n', Dialect()),
        ("a,b\n'x,y',1\n'u,v',2\n", Dialect(quote="'")),
        ("5.1,3.5,setosa\n4.9,3.0,virginica\n", Dialect(header=False)),
        ("country,2019,2020\nA,1,2\nB,3,4\n", Dialect()),
        ("name,city\nanna,rome\n", Dialect()),
        (",a\n0,x\n1,y\n", Dialect()),
    ],
)
def test_dialects(content: str, expected: Dialect, tmp_path: Path) -> None:
    assert detect_text_format(tmp_path, content).dialect == expected


@pytest.mark.parametrize(
    ("encoding", "text", "expected"),
    [
        ("utf-8", "name,city\nJosé,Łódź\n", "utf-8"),
        ("utf-8-sig", "name,city\nJosé,Łódź\n", "utf-8-sig"),
        ("utf-16", "name,city\nJosé,Łódź\n", "utf-16"),
        ("utf-16-le", "name,city\nJosé,Łódź\n", "utf-16-le"),
        ("utf-16-be", "name,city\nJosé,Łódź\n", "utf-16-be"),
        ("utf-32", "name,city\nJosé,Łódź\n", "utf-32"),
        ("cp1252", "name,city\nJosé,Zürich\n", "cp1252"),
        ("cp1250", "name,city\nMłody,Łódź\nZażółć,Kraków\n", "cp1250"),
        ("cp1251", "имя,город\nИван,Москва\nАнна,Казань\n", "cp1251"),  # noqa: RUF001
        ("shift_jis", "名前,都市\n田中,東京\n佐藤,大阪\n", "shift_jis"),
    ],
)
def test_encodings(encoding: str, text: str, expected: str, tmp_path: Path) -> None:
    found = detect_text_format(tmp_path, text.encode(encoding))
    assert (found.format, found.encoding) == ("csv", expected)


def test_an_encoding_shows_late(tmp_path: Path) -> None:
    assert detect_text_format(tmp_path, b"a,b\n" + b"1,2\n" * 800_000 + b"Z\xfcrich,3\n").encoding == "cp1252"


def test_packed_files_are_looked_into(tmp_path: Path) -> None:
    assert detect_text_format(tmp_path, gzip.compress(b"a;b\n1;2\n")) == FileFormat(
        "csv", "utf-8", Dialect(";"), gzipped=True
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it has no byte"),
        (b" \n\t\n", "nothing but white space"),
        (b"\xef\xbb\xbf\n", "nothing but white space"),
        (bytes(range(256)) * 20, "is binary"),
        (b"PK\x03\x04" + bytes(100), "a zip archive or an Office file"),
        (b"\x80\x05\x95" + bytes(100), "a pickle, which is never loaded"),
        (b"SQLite format 3\x00" + bytes(100), "read it with the source `sql`"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-5], "compressed with gzip, and broken"),
        (b"PAR1" + bytes(100), "cut off"),
        (b"  <html><head><title>\nNot\n found</title>", 'an HTML page ("Not found")'),
        (b"<!-- hello -->\n<!DOCTYPE HTML>", "an HTML page"),
    ],
)
def test_what_is_no_data(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(StepError, match="data is ") as raised:
        detect_text_format(tmp_path, content)
    assert words in str(raised.value)


def test_a_format_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("<html>a page</html>\n")
    assert detect_format(path, "text").format == "text"
    path.write_text("one,two\nthree\n")
    assert detect_format(path, "csv").format == "csv"
    with pytest.raises(StepError, match="no Parquet file"):
        detect_format(path, "parquet")
    with pytest.raises(StepError, match="there is no format 'xml'; expected auto, csv"):
        detect_format(path, "xml")
    path.write_bytes(parquet())
    with pytest.raises(StepError, match="is a Parquet file, and not csv"):
        detect_format(path, "csv")
