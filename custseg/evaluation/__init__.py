"""How good the assignment is: honest accuracy, calibration, outcomes, rejection."""

from custseg.evaluation._accuracy import assignment_report
from custseg.evaluation._accuracy_report import AssignmentReport
from custseg.evaluation._outcome_report import outcome_report
from custseg.evaluation._outcome_result import OutcomeReport
from custseg.evaluation._rejected import RejectedTest, rejected_test

__all__ = [name for name in dir() if not name.startswith("_")]
