"""Errors of document operations; each class is a different HTTP response."""

from __future__ import annotations

from airflow_mlcraft.errors import MlcraftError


class BadNameError(MlcraftError):
    """A path that cannot be the path of a document below the folder."""


class NoSuchDocumentError(MlcraftError):
    """There is no document of that path."""


class ReadOnlyError(MlcraftError):
    """The folder, or what lies there, cannot be written to."""


class TooLargeError(MlcraftError):
    """A file that is larger than any document."""


class NotTextError(MlcraftError):
    """A file or a text that is not UTF-8."""


class TakenError(MlcraftError):
    """A document of that path is there already."""


class ConflictError(MlcraftError):
    """The document is no longer what it was when it was read: `text` and `version` are those of now."""

    def __init__(self, message: str, *, text: str, version: str):
        self.text = text
        self.version = version
        super().__init__(message)
