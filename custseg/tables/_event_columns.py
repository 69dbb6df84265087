"""Which column of a table of events is which."""

from dataclasses import dataclass, fields

from custseg.exceptions import SchemaError

__all__ = ["EventColumns"]


@dataclass(frozen=True)
class EventColumns:
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

    def __post_init__(self):
        for field in fields(self):
            name = getattr(self, field.name)
            required = field.default is not None
            if not isinstance(name, str) and (name is not None or required):
                raise SchemaError(
                    f"{field.name} of EventColumns must be the name of a column, as "
                    f"text. Got {name!r} instead. Rename the column if its name is "
                    "not text."
                )
        roles = {}
        for role, name in self.named().items():
            if name in roles:
                raise SchemaError(
                    "EventColumns must name a different column for each role. Got "
                    f"{name!r} for {roles[name]} and {role} instead. Leave out the "
                    "role that the table does not have."
                )
            roles[name] = role
        if self.payment_method is not None and self.stage is None:
            raise SchemaError(
                "EventColumns must name stage where it names payment_method. Got "
                f"stage=None, payment_method={self.payment_method!r} instead. Name "
                "the column of stages, because payments are those at the stage of "
                "payment."
            )

    def named(self):
        """Return the roles that have a column.

        Returns
        -------
        dict of str to str
            From the role to the name of its column, in the order of the parameters.

        Examples
        --------
        >>> from custseg.tables import EventColumns
        >>> EventColumns(stage="step").named()
        {'customer_id': 'customer_id', 'time': 'time', 'stage': 'step'}
        """
        names = {field.name: getattr(self, field.name) for field in fields(self)}
        return {role: name for role, name in names.items() if name is not None}
