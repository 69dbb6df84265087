"""Who the segments are: sizes, means and shares beside the average customer."""

from custseg.profile._profile import SegmentProfile as SegmentProfile
from custseg.profile._profile import checked_labels as checked_labels
from custseg.profile._profile import profile_segments as profile_segments

# Offered to other stages, not to users.
_FOR_STAGES = {
    "checked_labels",
}
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
