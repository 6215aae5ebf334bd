"""Projects on disk: their files, and a function for each verb of the command."""
