"""Private helpers that import nothing else of custseg and no scikit-learn."""
