"""Mistakes in documents as sentences with file and line."""
