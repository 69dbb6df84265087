"""How good the assignment is: honest accuracy, calibration, outcomes, rejection."""

from custseg.evaluation._accuracy import assignment_report as assignment_report
from custseg.evaluation._accuracy_report import AssignmentReport as AssignmentReport
from custseg.evaluation._outcome import validate_on as validate_on
from custseg.evaluation._outcome_result import OutcomeValidation as OutcomeValidation
from custseg.evaluation._rejected import RejectedTest as RejectedTest
from custseg.evaluation._rejected import rejected_test as rejected_test

__all__ = [name for name in dir() if not name.startswith("_")]
