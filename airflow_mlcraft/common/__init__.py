"""Functions that all packages use: files, locks, hashes, URLs, CWL types, names. Imports no other package of ours."""
