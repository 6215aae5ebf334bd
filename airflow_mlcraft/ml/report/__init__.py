"""The report of an evaluation: its plots, and its page as HTML and Markdown."""
