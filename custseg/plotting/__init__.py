"""Pictures with their numbers: every Display has `frame` and `plot`."""

from custseg.plotting._accuracy import AccuracyDisplay as AccuracyDisplay
from custseg.plotting._certainty import CertaintyDisplay as CertaintyDisplay
from custseg.plotting._covariance import CovarianceDisplay as CovarianceDisplay
from custseg.plotting._dendrogram import DendrogramDisplay as DendrogramDisplay
from custseg.plotting._flow import SegmentFlowDisplay as SegmentFlowDisplay
from custseg.plotting._gorge import GorgeDisplay as GorgeDisplay
from custseg.plotting._item_response import ItemResponseDisplay as ItemResponseDisplay
from custseg.plotting._jaccard import SegmentStabilityDisplay as SegmentStabilityDisplay
from custseg.plotting._multiplicity import MultiplicityDisplay as MultiplicityDisplay
from custseg.plotting._outcome import OutcomeDisplay as OutcomeDisplay
from custseg.plotting._profile import SegmentProfileDisplay as SegmentProfileDisplay
from custseg.plotting._reliability import ReliabilityDisplay as ReliabilityDisplay
from custseg.plotting._search import SegmentSearchDisplay as SegmentSearchDisplay
from custseg.plotting._silhouette import SilhouetteDisplay as SilhouetteDisplay
from custseg.plotting._som import SOMDisplay as SOMDisplay
from custseg.plotting._stability import StabilityDisplay as StabilityDisplay
from custseg.plotting._typing_curve import TypingCurveDisplay as TypingCurveDisplay

__all__ = [name for name in dir() if not name.startswith("_")]
