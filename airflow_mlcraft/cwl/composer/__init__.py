"""The form of documents that Rabix Composer opens, and keeps when it saves: CWL v1.0 in a narrow shape."""
