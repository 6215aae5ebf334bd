"""Exceptions whose messages are meant for users. Each message says what to correct."""

from __future__ import annotations


class MlcraftError(Exception):
    """The base class: an error that a user can correct, shown as its message without a traceback."""


class DocumentError(MlcraftError):
    """An invalid CWL document. The message has the place, what was found and what was expected."""

    def __init__(self, message: str, *, path: str = "", line: int | None = None, column: int | None = None):
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        super().__init__(str(self))

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        return f"{place}: {self.message}" if place else self.message


class UnsupportedError(DocumentError):
    """A document with a feature that this package does not support."""


class SeveralProcessesError(DocumentError):
    """A packed document with several processes, of which none is selected. `names` has their names."""

    names: tuple[str, ...] = ()


class SettingsError(MlcraftError):
    """An option of the section `[mlcraft]` with an invalid value."""


class InputError(MlcraftError):
    """An input of a run that is missing or wrong."""


class UnsafeNameError(MlcraftError):
    """A file name that would lead out of its folder."""


class RefusedError(MlcraftError):
    """An action that is not allowed for the run on this Airflow. The message names the setting."""


class LinkError(MlcraftError):
    """Inputs of a step that could not be computed: linkMerge, pickValue, scatter, expressions."""


class ToolError(MlcraftError):
    """A tool that has failed. `temporary` says whether a retry may help."""

    def __init__(self, message: str, *, temporary: bool = False):
        self.temporary = temporary
        super().__init__(message)


class StepError(MlcraftError):
    """A machine-learning step that has failed. `temporary` says whether a retry may help."""

    def __init__(self, message: str, *, temporary: bool = False):
        self.temporary = temporary
        super().__init__(message)


class UnknownModelError(StepError):
    """An unknown estimator: a mistake in the inputs, as opposed to a model that failed."""


class StoreError(MlcraftError):
    """A file that the store cannot write or read."""


class OutputError(MlcraftError):
    """An output that is not allowed."""


class VersioningError(MlcraftError):
    """Data that cannot be versioned in a git repository. `temporary` says whether a retry may help."""

    def __init__(self, message: str, *, temporary: bool = False):
        self.temporary = temporary
        super().__init__(message)


class ProjectError(MlcraftError):
    """A project that does not exist, or is not as a verb needs it. `remedy` is the next step, often a command."""

    def __init__(self, message: str, remedy: str = ""):
        self.remedy = remedy
        super().__init__(f"{message}; {remedy}" if remedy else message)


def first_line(error: Exception) -> str:
    """The first line of an error's message, or the name of its class if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
