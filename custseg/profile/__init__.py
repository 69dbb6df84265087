"""Who the segments are: sizes, means and shares beside the average customer."""

from custseg.profile._profile import SegmentProfile, profile_segments

__all__ = ["SegmentProfile", "profile_segments"]
