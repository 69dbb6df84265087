"""Who the segments are: sizes, means and shares beside the average customer."""

from custseg.profile._profile import SegmentProfile, checked_labels, profile_segments

# Offered to other stages, not to users.
_FOR_STAGES = """
checked_labels
""".split()
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
