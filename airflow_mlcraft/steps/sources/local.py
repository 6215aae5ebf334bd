"""Files that are here: one, or all that a pattern finds."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.errors import StepError


def path_of(source: str) -> str:
    """The path in a file:// address, or the source itself."""
    if not source.startswith("file:"):
        return source
    parts = urlsplit(source)
    if parts.netloc not in ("", "localhost"):
        raise StepError(f"{source} names the machine {parts.netloc}; expected file:///path")
    return unquote(parts.path)


def found(pattern: str, folder: Path, check: Callable[[Path], None] = lambda _: None) -> list[Path]:
    """The files of a path or pattern, sorted by name. Relative ones start from `folder`.

    `check` raises an error for a path that may not be read, before it is said whether there is such a file.
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
    """A path, or of a pattern the folder that all files of it are below."""
    fixed = folder
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def given(names: Sequence[str], folder: Path) -> list[Path]:
    """The files of `--file`, sorted by name."""
    paths = [folder / name for name in names]
    for path, name in zip(paths, names, strict=True):
        if not path.is_file():
            raise StepError(f"--file: there is no file {name}")
    return sorted(paths, key=lambda path: (path.name, str(path)))


NAMES = ("iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud")
SCHEME = "sklearn:"


def write(source: str, folder: Path) -> Path:
    """One of them as CSV: the columns as scikit-learn names them, its targets last."""
    from sklearn import datasets

    name = source.removeprefix(SCHEME)
    if name not in NAMES:
        raise StepError(f"scikit-learn brings no data set {name!r}; expected one of {', '.join(NAMES)}")
    path = folder / f"{name}.csv"
    getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv(path, index=False, lineterminator="\n")
    return path
