"""Pictures with their numbers: every Display has `frame` and `plot`."""

from custseg.plotting._profile import SegmentProfileDisplay as SegmentProfileDisplay
from custseg.plotting._search import SegmentSearchDisplay as SegmentSearchDisplay
from custseg.plotting._silhouette import SilhouetteDisplay as SilhouetteDisplay

__all__ = [name for name in dir() if not name.startswith("_")]
