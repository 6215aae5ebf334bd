"""The data sets that come with scikit-learn, without any network."""

from __future__ import annotations

from pathlib import Path

from airflow_mlcraft.errors import StepError

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
