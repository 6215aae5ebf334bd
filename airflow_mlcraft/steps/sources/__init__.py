"""Sources of data: the web, buckets and other remote files, databases, local files, scikit-learn."""
