"""Local sources: files of a path or pattern, and the data sets that scikit-learn brings."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.errors import StepError


def to_path(source: str) -> str:
    """The path in a file:// address; any other source unchanged."""
    if not source.startswith("file:"):
        return source
    parts = urlsplit(source)
    if parts.netloc not in ("", "localhost"):
        raise StepError(f"{source} names the machine {parts.netloc}; expected file:///path")
    return unquote(parts.path)


def find_files(pattern: str, folder: Path, check: Callable[[Path], None] = lambda _: None) -> list[Path]:
    """The files of a path or pattern, sorted by name. Relative ones start from `folder`.

    `check` raises an error for a path that may not be read, before an error can reveal whether the file exists.
    """
    path = folder / pattern
    check(_fixed_part(pattern, folder))
    if path.is_dir():
        raise StepError(f"{pattern} is a folder; name a file, or a pattern such as {pattern.rstrip('/')}/*.csv")
    if path.exists():
        return [path]
    names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207
    files = [folder / name for name in names if (folder / name).is_file()]
    if not files:
        wrong = "no file is of this pattern" if glob.has_magic(pattern) else "there is no such file"
        where = "" if Path(pattern).is_absolute() else "; a relative path starts from the folder of the step"
        raise StepError(f"{pattern}: {wrong}{where}")
    for file in files:
        check(file)
    return files


def _fixed_part(pattern: str, folder: Path) -> Path:
    """The part of a path before the first wildcard."""
    fixed = folder
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def check_files(names: Sequence[str], folder: Path) -> list[Path]:
    """The files of the option `--file`, sorted by name; raises an error if one is missing."""
    paths = [folder / name for name in names]
    for path, name in zip(paths, names, strict=True):
        if not path.is_file():
            raise StepError(f"--file: there is no file {name}")
    return sorted(paths, key=lambda path: (path.name, str(path)))


BUNDLED_DATASETS = ("iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud")
BUNDLED_SCHEME = "sklearn:"


def write_bundled_dataset(source: str, folder: Path) -> Path:
    """Write a data set of scikit-learn as CSV, with the target columns last, and return its path."""
    from sklearn import datasets

    name = source.removeprefix(BUNDLED_SCHEME)
    if name not in BUNDLED_DATASETS:
        raise StepError(f"scikit-learn brings no data set {name!r}; expected one of {', '.join(BUNDLED_DATASETS)}")
    path = folder / f"{name}.csv"
    getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv(path, index=False, lineterminator="\n")
    return path
