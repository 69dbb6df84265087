"""Checks that every segmenter passes, for tests of one's own segmenters too."""

from custseg.testing._checks import all_estimators, check_segmenter

__all__ = [name for name in dir() if not name.startswith("_")]
