"""Which column of a transaction table is which."""

from dataclasses import dataclass

from custseg.exceptions import SchemaError
from custseg.tables._roles import Roles


@dataclass(frozen=True)
class TransactionColumns(Roles):
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

    def _check(self):
        if self.amount is None and (self.quantity is None or self.unit_price is None):
            raise SchemaError(
                "TransactionColumns must name amount, or both quantity and "
                f"unit_price. Got amount=None, quantity={self.quantity!r}, "
                f"unit_price={self.unit_price!r} instead. Name the column that "
                "holds the currency of a line."
            )
