"""The extras of this package, and the errors that name the extra of a missing package."""

from __future__ import annotations

from importlib.util import find_spec

from airflow_mlcraft.errors import MlcraftError

DISTRIBUTION = "airflow-provider-mlcraft"
_PACKAGES_BY_EXTRA = {
    "deploy": ("boto3", "botocore"),
    "docker": ("docker",),
    "dvc": ("dvc", "dvc_data", "dvc_objects"),
    "ml": (
        "charset_normalizer",
        "joblib",
        "matplotlib",
        "numpy",
        "optuna",
        "pandas",
        "pyarrow",
        "scipy",
        "skops",
        "sklearn",
        "threadpoolctl",
    ),
    "provenance": ("rocrate",),
    "serve": ("httptools", "orjson", "prometheus_client", "uvloop"),
    "tracking": ("mlflow",),
}
EXTRA_BY_PACKAGE = {package: extra for extra, packages in _PACKAGES_BY_EXTRA.items() for package in packages}


class MissingExtraError(MlcraftError):
    """A package of an extra is not installed."""

    def __init__(self, package: str, extra: str):
        super().__init__(
            f"the package {package} is not installed here; `pip install '{DISTRIBUTION}[{extra}]'` installs what this "
            "needs"
        )


def find_missing_extra(error: BaseException) -> MissingExtraError | None:
    """The error that names the extra, for an import that failed because a package of an extra is not installed."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    package = error.name.partition(".")[0]
    extra = EXTRA_BY_PACKAGE.get(package)
    return MissingExtraError(package, extra) if extra else None


def require_extra(extra: str) -> None:
    """Raise a `MissingExtraError` unless the packages of the extra are installed. Imports nothing."""
    for package in _PACKAGES_BY_EXTRA[extra]:
        if find_spec(package) is None:
            raise MissingExtraError(package, extra)
