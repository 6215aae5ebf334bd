"""The number of workflows that can be written in Composer's form: `python -m bench.composer_forms FOLDER…`.

Each workflow below the folders that cwltool accepts is written, with listed losses allowed. A form counts if writing
the form of the form changes nothing. Refused documents are printed with the reason.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from airflow_mlcraft.cwl.composer.form import composer_form
from airflow_mlcraft.cwl.load import load
from airflow_mlcraft.errors import MlcraftError

_VERSION = re.compile(r"cwlVersion\"?\s*:\s*[\"']?(v1\.\d)")
_WORKFLOW = re.compile(r"class\"?\s*:\s*[\"']?Workflow")
_WHOLE, _LOSS, _REFUSED, _UNSTABLE, _BROKEN = "whole", "with a listed loss", "refused", "changed again", "not accepted"


def outcome(path: Path, folder: Path) -> tuple[str, str]:
    """The outcome for one document, and the reason."""
    try:
        load(path)
    except MlcraftError as error:
        return _BROKEN, str(error)
    form = composer_form(path, into=folder, allow_loss=True)
    if form.problems:
        return _REFUSED, form.problems[0].message
    for name, text in form.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    again = composer_form(folder / next(iter(form.files)), allow_loss=True)
    if again.problems or not again.files.items() <= form.files.items():
        # Tools that are in files of their own stay there.
        return _UNSTABLE, ", ".join(problem.message for problem in again.problems)
    return (_LOSS if form.losses else _WHOLE), ""


def main(folders: list[str]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    reasons: Counter[str] = Counter()
    paths = sorted(path for folder in folders for path in Path(folder).rglob("*.cwl") if path.is_file())
    for path in paths:
        text = path.read_text("utf-8", "replace")
        if not _WORKFLOW.search(text):
            continue
        version = _VERSION.search(text)
        with tempfile.TemporaryDirectory(prefix="bench-composer-") as name:
            found, why = outcome(path, Path(name))
        counts[version[1] if version else "", found] += 1
        if found in (_REFUSED, _UNSTABLE):
            reasons[why] += 1
            print(f"{found}: {path}: {why}", flush=True)
    for why, count in reasons.most_common(20):
        print(f"{count:4}  {why}")
    for of in sorted({of for of, _ in counts}):
        accepted = sum(count for (other, found), count in counts.items() if other == of and found != _BROKEN)
        written = counts[of, _WHOLE] + counts[of, _LOSS]
        print(
            f"{of or 'without a version'}: {written} of {accepted} workflows are written, {counts[of, _LOSS]} with a "
            f"listed loss; {counts[of, _UNSTABLE]} change again, {counts[of, _BROKEN]} are not accepted by cwltool"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
