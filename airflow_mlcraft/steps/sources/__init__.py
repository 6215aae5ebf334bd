"""Where data can come from: the web, buckets and other remote files, databases, files, scikit-learn."""
