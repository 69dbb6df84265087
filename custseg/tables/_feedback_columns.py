"""Which column of a table of feedback is which."""

from dataclasses import dataclass

from custseg.exceptions import SchemaError
from custseg.tables._roles import Roles

__all__ = ["FeedbackColumns"]

_MEASURES = ("satisfaction", "promoter_score", "complaint", "ticket")


@dataclass(frozen=True)
class FeedbackColumns(Roles):
    """Names of the columns of a table of feedback.

    A table of feedback has one row for each answer to a survey, each complaint or each
    ticket of a service desk. The object is frozen and can be pickled for next month's
    run. What has no column is not made.

    Parameters
    ----------
    customer_id : str, default="customer_id"
        Who: integers or text.
    time : str, default="time"
        When it was said, or when the ticket was opened.
    touchpoint : str, default=None
        What it was about: delivery, store, hotline.
    satisfaction : str, default=None
        How satisfied, as a number of a scale; missing where it was not asked.
    promoter_score : str, default=None
        How likely to recommend, 0 to 10; missing where it was not asked.
    complaint : str, default=None
        Whether it is a complaint: true or false, numbers above zero or zero, or text,
        of which "none", "no" and blanks mean no.
    ticket : str, default=None
        Id of the ticket; missing in rows that are none.
    responded, resolved : str, default=None
        When the ticket was first answered, and settled; missing until then.

    Raises
    ------
    SchemaError
        If a name is not text, two roles name the same column, nothing is measured, or
        `responded` or `resolved` is given without `ticket`.

    See Also
    --------
    summarize_feedback : Makes one row per customer of such a table.

    Examples
    --------
    >>> from custseg.tables import FeedbackColumns
    >>> FeedbackColumns(satisfaction="stars").time
    'time'
    """

    customer_id: str = "customer_id"
    time: str = "time"
    touchpoint: str | None = None
    satisfaction: str | None = None
    promoter_score: str | None = None
    complaint: str | None = None
    ticket: str | None = None
    responded: str | None = None
    resolved: str | None = None

    def _check(self):
        if not any(role in self.named() for role in _MEASURES):
            raise SchemaError(
                f"FeedbackColumns must name one of {', '.join(_MEASURES)}. Got none "
                "instead. Name the column that says what customers think."
            )
        if self.ticket is None and (self.responded or self.resolved):
            raise SchemaError(
                "FeedbackColumns must name ticket where it names responded or "
                "resolved. Got None instead. Name the column of ticket ids."
            )
