"""Tests of trust in the types of a model and in the code beside it: known, signed, or named by the user."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_mlcraft.tracking import trusted_types, user_process

TYPES = ["mlcraft_model_0123.Mine"]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A signed model file."""
    monkeypatch.setenv(trusted_types.KEY, "the key of the maker")
    file = tmp_path / "model.skops"
    file.write_bytes(b"a model")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mlcraft_model_0123.py").write_text("class Mine: pass\n")
    record = trusted_types.sign(file, TYPES)
    (tmp_path / trusted_types.CARD).write_text(json.dumps({trusted_types.RECORD: record}))
    assert trusted_types.read_signed_types(file) == set(TYPES)
    return file


def _another_type(file: Path) -> None:
    card = file.with_name(trusted_types.CARD)
    card.write_text(card.read_text().replace(TYPES[0], "os.system"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "the model file": lambda file: file.write_bytes(b"another model"),
    "the code": lambda file: (file.parent / "code" / "mlcraft_model_0123.py").write_text("class Other: pass\n"),
    "one file of code more": lambda file: (file.parent / "code" / "more.py").touch(),
    "the types": _another_type,
    "no signature": lambda file: file.with_name(trusted_types.CARD).write_text("{}"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_signature_covers_model_code_and_types(model: Path, change: Callable[[Path], object]) -> None:
    change(model)
    assert trusted_types.read_signed_types(model) == set()


def test_another_key_signs_for_nobody_here(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trusted_types.KEY, "another key")
    assert trusted_types.read_signed_types(model) == set()


def test_the_users_key_is_in_the_users_home(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is found independently of HOME, which CWL runners set to a folder of the step."""
    monkeypatch.delenv(trusted_types.KEY)
    monkeypatch.setenv("HOME", str(model.parent))
    trusted_types.sign(model, TYPES)
    key = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".config" / "mlcraft" / "trust.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert not (model.parent / ".config").exists()


def test_sums_of_trusted_code_are_separated_by_commas(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trusted_types.KEY, "another key")
    known, other = (hashlib.sha256(text).hexdigest() for text in (b"known", b"other"))
    described = {"sha256": known, "params": {}}
    for named, trusted in ((other, False), (f"{other}, {known}", True), (known, True)):
        monkeypatch.setenv(user_process.TRUSTED_CODE, named)
        assert user_process.is_trusted(described) is trusted
