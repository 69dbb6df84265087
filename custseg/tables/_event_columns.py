"""Which column of a table of events is which."""

from dataclasses import dataclass

from custseg.exceptions import SchemaError
from custseg.tables._roles import Roles

__all__ = ["EventColumns"]


@dataclass(frozen=True)
class EventColumns(Roles):
    """Names of the columns of a table of events.

    A table of events has one row for each contact of a customer with the seller: a
    visit, a call, a payment. The object is frozen and can be pickled for next month's
    run. A role that is left out has no column, and what is made of it is not made.

    Parameters
    ----------
    customer_id : str, default="customer_id"
        Who: integers or text. With a table of identities, an alias such as a cookie, a
        loyalty card or the hash of an e-mail address.
    time : str, default="time"
        When: dates, or dates with times, with or without a time zone.
    touchpoint : str, default=None
        With what: newsletter, product page, shop window.
    channel : str, default=None
        Over what: web, app, store, phone.
    stage : str, default=None
        At which stage of the journey: search, compare, consult, choose, pay, feedback,
        service, recommend, or the user's own.
    payment_method : str, default=None
        How it was paid, where the stage is that of payment. Needs `stage`.

    Raises
    ------
    SchemaError
        If a name is not text, if two roles name the same column, or if
        `payment_method` is given without `stage`.

    See Also
    --------
    summarize_events : Makes one row per customer of such a table.

    Examples
    --------
    >>> from custseg.tables import EventColumns
    >>> columns = EventColumns(customer_id="visitor", channel="via")
    >>> columns.time
    'time'
    """

    customer_id: str = "customer_id"
    time: str = "time"
    touchpoint: str | None = None
    channel: str | None = None
    stage: str | None = None
    payment_method: str | None = None

    def _check(self):
        if self.payment_method is not None and self.stage is None:
            raise SchemaError(
                "EventColumns must name stage where it names payment_method. Got "
                f"stage=None, payment_method={self.payment_method!r} instead. Name "
                "the column of stages, because payments are those at the stage of "
                "payment."
            )
