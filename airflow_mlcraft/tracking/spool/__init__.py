"""The spool: records for the tracking store in a folder, delivered by a separate process."""
