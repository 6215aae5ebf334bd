"""Errors of document operations; each class is a different HTTP response."""

from __future__ import annotations

from airflow_mlcraft.errors import MlcraftError


class BadNameError(MlcraftError):
    """A path that cannot be the path of a document below the folder."""


class NoSuchDocumentError(MlcraftError):
    """There is no document of that path."""


class ReadOnlyError(MlcraftError):
    """The folder, or a file in it, cannot be written."""


class TooLargeError(MlcraftError):
    """A file that is larger than any document."""


class NotTextError(MlcraftError):
    """A file or a text that is not UTF-8."""


class TakenError(MlcraftError):
    """A document of that path exists already."""


class ConflictError(MlcraftError):
    """The document has changed since it was read; `text` and `version` are the current ones."""

    def __init__(self, message: str, *, text: str, version: str):
        self.text = text
        self.version = version
        super().__init__(message)
