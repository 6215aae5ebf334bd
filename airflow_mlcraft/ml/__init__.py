"""Plain functions on data frames and estimators."""
