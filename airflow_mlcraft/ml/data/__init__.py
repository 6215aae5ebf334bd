"""Data files: what they hold, and how they become frames."""
