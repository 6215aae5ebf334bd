"""Conversion of documents to the subset of CWL v1.0 that Rabix Composer opens and saves unchanged."""
