"""The tests of a suite whose documents can be written in Rabix Composer's form, with the form in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from airflow_mlcraft.cwl.composer.form import composer_form
from airflow_mlcraft.errors import DocumentError
from tests.conformance.suite import ConformanceTest


def in_composer_form(tests: Iterable[ConformanceTest], folder: Path) -> Iterator[ConformanceTest]:
    """Each with its own folder; those that must fail prove nothing here."""
    for test in tests:
        document, _, fragment = test.tool.partition("#")
        into = folder / test.id
        try:
            form = composer_form(Path(document), fragment=fragment, into=into)
        except DocumentError:
            continue
        if form.files and not test.should_fail:
            for name, text in form.files.items():
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                (into / name).write_text(text)
            yield replace(test, tool=str(into / next(iter(form.files))))
