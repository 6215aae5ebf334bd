"""Data files: detection of their format, profiles, and reading as frames."""
