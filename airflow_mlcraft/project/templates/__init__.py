"""What a new project begins with. These files are copied, and run as they are."""
