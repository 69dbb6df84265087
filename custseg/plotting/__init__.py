"""Pictures with their numbers: every Display has `frame` and `plot`."""

from custseg.plotting._accuracy_display import AccuracyDisplay
from custseg.plotting._certainty_display import CertaintyDisplay
from custseg.plotting._covariance_display import CovarianceDisplay
from custseg.plotting._dendrogram_display import DendrogramDisplay
from custseg.plotting._flow_display import SegmentFlowDisplay
from custseg.plotting._gorge_display import GorgeDisplay
from custseg.plotting._item_response_display import ItemResponseDisplay
from custseg.plotting._jaccard_display import SegmentStabilityDisplay
from custseg.plotting._multiplicity_display import MultiplicityDisplay
from custseg.plotting._outcome_display import OutcomeDisplay
from custseg.plotting._profile_display import SegmentProfileDisplay
from custseg.plotting._reliability_display import ReliabilityDisplay
from custseg.plotting._search_display import SegmentSearchDisplay
from custseg.plotting._silhouette_display import SilhouetteDisplay
from custseg.plotting._som_display import SOMDisplay
from custseg.plotting._stability_display import StabilityDisplay
from custseg.plotting._typing_curve_display import TypingCurveDisplay

__all__ = [name for name in dir() if not name.startswith("_")]
