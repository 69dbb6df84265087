"""Who the segments are: sizes, means and shares beside the average customer."""

from custseg.profile._profile import SegmentProfile as SegmentProfile
from custseg.profile._profile import profile_segments as profile_segments

__all__ = [name for name in dir() if not name.startswith("_")]
