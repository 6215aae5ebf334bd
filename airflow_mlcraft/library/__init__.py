"""The documents of a folder, for an editor: list, read, save, check and draw them. Independent of the web server."""
