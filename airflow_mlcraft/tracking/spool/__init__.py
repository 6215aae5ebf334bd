"""What is to be sent to the tracking server: kept in a folder, and delivered by a process of its own."""
