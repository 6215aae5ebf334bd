"""The one family of errors that a user may meet. Each message is a sentence that says what to mend."""

from __future__ import annotations


class MlcraftError(Exception):
    """Something a user can mend; shown as its message, never as a traceback."""


class DocumentError(MlcraftError):
    """A CWL document that cannot be used: where the fault is, what was found, what was expected."""

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
    """A document that asks for something this package does not do."""


class SeveralProcessesError(DocumentError):
    """A packed document with several processes, of which none was named. `names` says which could be."""

    names: tuple[str, ...] = ()


class SettingsError(MlcraftError):
    """An option of the section `[mlcraft]` whose value has another form than expected."""


class InputError(MlcraftError):
    """An input of a run that is missing or wrong."""


class UnsafeNameError(MlcraftError):
    """A name that was given for a file and would lead out of its folder."""


class RefusedError(MlcraftError):
    """Something that whoever started the run may not do on this Airflow. The message names the setting."""


class LinkError(MlcraftError):
    """Values that could not be brought together for a step: linkMerge, pickValue, scatter, expressions."""


class ToolError(MlcraftError):
    """A tool that ran and failed. `temporary` says whether another try may help."""

    def __init__(self, message: str, *, temporary: bool = False):
        self.temporary = temporary
        super().__init__(message)


class StepError(MlcraftError):
    """A machine-learning step that cannot do its work. `temporary` says whether another try may help."""

    def __init__(self, message: str, *, temporary: bool = False):
        self.temporary = temporary
        super().__init__(message)


class UnknownModelError(StepError):
    """A name that no estimator has: a mistake of who asks, and no model that failed."""


class StoreError(MlcraftError):
    """The store cannot keep or give a file."""


class OutputError(MlcraftError):
    """An output that may not be taken."""


class VersioningError(MlcraftError):
    """Data that cannot be given a version in a git repository. `temporary` says whether another try may help."""

    def __init__(self, message: str, *, temporary: bool = False):
        self.temporary = temporary
        super().__init__(message)


class ProjectError(MlcraftError):
    """A project that is not there, or not as a verb needs it. `remedy` is the next step, often a command."""

    def __init__(self, message: str, remedy: str = ""):
        self.remedy = remedy
        super().__init__(f"{message}; {remedy}" if remedy else message)


def first_line(error: Exception) -> str:
    """The first line of an error's message, or the name of its class if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
