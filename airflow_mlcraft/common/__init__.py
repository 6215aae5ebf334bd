"""What every room needs: files, locks, hashes, URLs, CWL types, names. Imports no other room."""
