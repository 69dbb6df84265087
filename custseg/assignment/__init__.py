"""Which segment a new customer belongs to, and whether to any."""

from custseg.assignment._accuracy import assignment_report as assignment_report
from custseg.assignment._accuracy_report import AssignmentReport as AssignmentReport
from custseg.assignment._compile import compile_scorer as compile_scorer
from custseg.assignment._discriminant import (
    DiscriminantAssigner as DiscriminantAssigner,
)
from custseg.assignment._discriminant_tables import DiscriminantAxes as DiscriminantAxes
from custseg.assignment._discriminant_tables import WilksTest as WilksTest
from custseg.assignment._identity import SegmentMatch as SegmentMatch
from custseg.assignment._identity import match_segments as match_segments
from custseg.assignment._model import SegmentationModel as SegmentationModel
from custseg.assignment._outcome import validate_on as validate_on
from custseg.assignment._outcome_result import OutcomeValidation as OutcomeValidation
from custseg.assignment._rejected import RejectedTest as RejectedTest
from custseg.assignment._rejected import rejected_test as rejected_test
from custseg.assignment._typing_tool import TypingTool as TypingTool

__all__ = [name for name in dir() if not name.startswith("_")]
