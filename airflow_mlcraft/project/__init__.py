"""Projects on disk, and what is done with them; the command's verbs are functions of this room."""
