"""Pictures with their numbers: every Display has `frame` and `plot`."""

from custseg.plotting._profile import SegmentProfileDisplay
from custseg.plotting._search import SegmentSearchDisplay
from custseg.plotting._silhouette import SilhouetteDisplay

__all__ = ["SegmentProfileDisplay", "SegmentSearchDisplay", "SilhouetteDisplay"]
