"""Operations of a document editor on a folder: list, read, save, check and draw. Independent of the web server."""
