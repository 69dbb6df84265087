"""Pictures with their numbers: every Display has `frame` and `plot`."""

from custseg.plotting._accuracy_display import AccuracyDisplay as AccuracyDisplay
from custseg.plotting._certainty_display import CertaintyDisplay as CertaintyDisplay
from custseg.plotting._covariance_display import CovarianceDisplay as CovarianceDisplay
from custseg.plotting._dendrogram_display import DendrogramDisplay as DendrogramDisplay
from custseg.plotting._flow_display import SegmentFlowDisplay as SegmentFlowDisplay
from custseg.plotting._gorge_display import GorgeDisplay as GorgeDisplay
from custseg.plotting._item_response_display import (
    ItemResponseDisplay as ItemResponseDisplay,
)
from custseg.plotting._jaccard_display import (
    SegmentStabilityDisplay as SegmentStabilityDisplay,
)
from custseg.plotting._multiplicity_display import (
    MultiplicityDisplay as MultiplicityDisplay,
)
from custseg.plotting._outcome_display import OutcomeDisplay as OutcomeDisplay
from custseg.plotting._profile_display import (
    SegmentProfileDisplay as SegmentProfileDisplay,
)
from custseg.plotting._reliability_display import (
    ReliabilityDisplay as ReliabilityDisplay,
)
from custseg.plotting._search_display import (
    SegmentSearchDisplay as SegmentSearchDisplay,
)
from custseg.plotting._silhouette_display import SilhouetteDisplay as SilhouetteDisplay
from custseg.plotting._som_display import SOMDisplay as SOMDisplay
from custseg.plotting._stability_display import StabilityDisplay as StabilityDisplay
from custseg.plotting._typing_curve_display import (
    TypingCurveDisplay as TypingCurveDisplay,
)

__all__ = [name for name in dir() if not name.startswith("_")]
