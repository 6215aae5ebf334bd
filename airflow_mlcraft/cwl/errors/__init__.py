"""Errors of documents as messages with file and line."""
