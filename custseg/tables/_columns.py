"""Which column of a transaction table is which."""

from dataclasses import dataclass, fields

from custseg.exceptions import SchemaError


@dataclass(frozen=True)
class TransactionColumns:
    """Names of the columns of a transaction table.

    A transaction table has one row per line of an invoice or, where products are
    not known, one row per order. The same object serves `clean_transactions` and
    `summarize_transactions`, and can be pickled for next month's run.

    Parameters
    ----------
    customer_id : str, default="customer_id"
        Who bought: integers or text.
    date : str, default="date"
        When: dates, or dates with times, with or without a time zone.
    transaction_id : str, default=None
        Which order a line belongs to. Without it, all lines of a customer at the
        same date (or date and time) are one order.
    amount : str, default=None
        Currency of the whole line, negative for a return. When None, it is
        `quantity` times `unit_price`.
    quantity : str, default=None
        Units of the product, negative for a return.
    unit_price : str, default=None
        Currency for one unit. Used only when `amount` is None.
    product : str, default=None
        What was bought.
    category : str, default=None
        What kind of product it is.
    channel : str, default=None
        Where it was bought.
    unit_cost : str, default=None
        Currency that one unit cost the seller.
    list_price : str, default=None
        Currency for one unit before any discount.
    discount : str, default=None
        Share of the list price that was taken off, 0 to 1.
    promotion : str, default=None
        Whether the line was bought on promotion: true or false, numbers above zero or
        zero, or text, of which "none", "no" and blanks mean no.
    currency : str, default=None
        Code of the currency of all amounts of the line, of which a table has one.
    pack_size : str, default=None
        Units in one pack of the product.
    standing : str, default=None
        Whether the order came by itself under an agreement, as `promotion` is read.
    contact : str, default=None
        How the customer was reached, or reached the seller: email, social, phone.
    promised, delivered : str, default=None
        Dates on which the line was to be delivered, and was.

    Raises
    ------
    SchemaError
        If a name is not text, if two roles name the same column, or if neither
        `amount` nor both `quantity` and `unit_price` are given.

    Examples
    --------
    >>> from custseg.tables import TransactionColumns
    >>> columns = TransactionColumns(customer_id="client", amount="eur")
    >>> columns.date
    'date'
    """

    customer_id: str = "customer_id"
    date: str = "date"
    transaction_id: str | None = None
    amount: str | None = None
    quantity: str | None = None
    unit_price: str | None = None
    product: str | None = None
    category: str | None = None
    channel: str | None = None
    unit_cost: str | None = None
    list_price: str | None = None
    discount: str | None = None
    promotion: str | None = None
    currency: str | None = None
    pack_size: str | None = None
    standing: str | None = None
    contact: str | None = None
    promised: str | None = None
    delivered: str | None = None

    def __post_init__(self):
        for field in fields(self):
            name = getattr(self, field.name)
            required = field.default is not None
            if not isinstance(name, str) and (name is not None or required):
                raise SchemaError(
                    f"{field.name} of TransactionColumns must be the name of a "
                    f"column, as text. Got {name!r} instead. Rename the column if "
                    "its name is not text."
                )
        if self.amount is None and (self.quantity is None or self.unit_price is None):
            raise SchemaError(
                "TransactionColumns must name amount, or both quantity and "
                f"unit_price. Got amount=None, quantity={self.quantity!r}, "
                f"unit_price={self.unit_price!r} instead. Name the column that "
                "holds the currency of a line."
            )
        named = self.named()
        shared = sorted(
            {c for c in named.values() if list(named.values()).count(c) > 1}
        )
        if shared:
            raise SchemaError(
                "TransactionColumns must name a different column for each role. "
                f"Got {shared[0]!r} for "
                f"{' and '.join(r for r, c in named.items() if c == shared[0])} "
                "instead. Leave out the role that the table does not have."
            )

    def named(self):
        """Return the roles that have a column.

        Returns
        -------
        dict of str to str
            From the role to the name of its column, in the order of the parameters.

        Examples
        --------
        >>> from custseg.tables import TransactionColumns
        >>> TransactionColumns(amount="eur").named()
        {'customer_id': 'customer_id', 'date': 'date', 'amount': 'eur'}
        """
        names = {field.name: getattr(self, field.name) for field in fields(self)}
        return {role: name for role, name in names.items() if name is not None}
