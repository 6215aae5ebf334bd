"""The documents of a folder as people work on them: listed, read, saved, checked, drawn. Knows no web server."""
