"""The commands: each module parses options, calls a function of the library, and prints the result."""
