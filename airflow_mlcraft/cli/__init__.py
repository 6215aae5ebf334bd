"""The commands: each parses, calls a function of the library, and prints."""
