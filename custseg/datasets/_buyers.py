"""How a type of buyer orders, stops ordering, returns and is reached."""

from dataclasses import dataclass, fields

from custseg.datasets._parameters import check_number, check_whole

_FLAT_WEEK = (1.0,) * 7
_FLAT_YEAR = (1.0,) * 12


@dataclass(frozen=True)
class BuyerType:
    """How one type of buyer behaves over time; `household()` and `business()` give two.

    Change single fields with `dataclasses.replace`. Weeks are the unit of time.

    Parameters
    ----------
    order_rate : (float, float)
        Shape and rate of the Gamma distribution, over customers, of the orders per
        week while a customer is alive. Its mean is shape / rate.
    gap_shape : int
        Shape k of the Erlang distribution of the gaps between orders of one customer.
        1 is exponential (a Poisson process), 4 is regular: the gaps' coefficient of
        variation is 1 / sqrt(k).
    dropout_rate : (float, float) or None
        Shape and rate of the Gamma distribution, over customers, of the drop-out rate
        per week; a lifetime is exponential (the Pareto/NBD story). The share gone
        after t weeks is 1 - (rate / (rate + t)) ** shape.
    dropout_probability : (float, float) or None
        Parameters a and b of the Beta distribution, over customers, of the probability
        to drop out right after a repeat order (the BG/NBD story). At most one of this
        and `dropout_rate` is given; with neither, nobody drops out.
    order_value : (float, float, float)
        Parameters p, q and v of the Gamma-Gamma distribution of an order's amount:
        Gamma with shape p and rate nu, nu over customers Gamma with shape q and rate
        v. Its mean is p * v / (q - 1).
    joining_weeks : float
        A customer's first order falls uniformly on the first so many weeks.
    weekdays : tuple of 7 float
        Factors on the order rate from Monday to Sunday; 0 is a day without orders.
    months : tuple of 12 float
        Factors on the order rate from January to December. Weekdays and months
        together are scaled to a mean of 1 over the years.
    lines_per_order : float
        Mean number of lines of an order, 1 or more.
    pack_size : int
        Units come in multiples of this.
    packs_per_line : float
        Mean number of packs of a line, 1 or more.
    return_share : float
        Share of orders of which something is returned.
    partial_share : float
        Share of the returns that take back a part of the order, of those of two units
        or more; an order of one unit goes back whole.
    return_lag_days : float
        Median days from order to return, lognormal.
    return_lag_sigma : float
        Standard deviation of the logarithm of that lag.
    orphan_share : float
        Share of the returns whose sale is not in the table.
    contacts : tuple of (str, float)
        How the customer was reached before the order, and the shares.
    channels : tuple of (str, float)
        Where the order was placed, and the shares.
    promotion_share : float
        Share of orders at a promotion's discount.
    promotion_depth : (float, float)
        Lowest and highest discount of a promotion, uniform.
    quantity_breaks : tuple of (int, float)
        Units of a line from which a discount holds, and the discount.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from custseg.datasets import BuyerType
    >>> household = BuyerType.household()
    >>> round(household.mean_order_value), round(BuyerType.business().mean_order_value)
    (100, 1001)
    >>> replace(household, gap_shape=2).order_rate
    (1.2, 1.2)
    """

    order_rate: tuple = (1.2, 1.2)
    gap_shape: int = 1
    dropout_rate: tuple | None = (0.6, 60.0)
    dropout_probability: tuple | None = None
    order_value: tuple = (6.25, 3.74, 43.8)
    joining_weeks: float = 12.0
    weekdays: tuple = (1.0, 1.0, 1.0, 1.0, 1.0, 1.3, 1.3)
    months: tuple = (1.0, 0.65, *(1.0,) * 8, 1.6, 1.6)
    lines_per_order: float = 3.0
    pack_size: int = 1
    packs_per_line: float = 1.6
    return_share: float = 0.08
    partial_share: float = 0.60
    return_lag_days: float = 10.0
    return_lag_sigma: float = 0.5
    orphan_share: float = 0.0
    contacts: tuple = (
        ("email", 0.20),
        ("social", 0.20),
        ("phone", 0.10),
        ("other", 0.50),
    )
    channels: tuple = (("store", 0.6), ("web", 0.4))
    promotion_share: float = 0.30
    promotion_depth: tuple = (0.10, 0.30)
    quantity_breaks: tuple = ()

    def __post_init__(self):
        """Refuse what no buyer can be.

        Raises
        ------
        ValueError
            If a field is out of range.
        """
        _check_story(self)
        _check_habits(self)

    @classmethod
    def household(cls):
        """Retail buyers: a mean of one order a week, about 31 % gone in a year."""
        return cls()

    @classmethod
    def business(cls):
        """Wholesale buyers: about monthly and regular, about 10 % gone in a year.

        Their season of September to November comes some six weeks before the
        households' November and December.
        """
        return cls(
            order_rate=(3.0, 13.0),
            gap_shape=4,
            dropout_rate=(0.6, 260.0),
            order_value=(11.0, 3.0, 182.0),
            weekdays=(1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0),
            months=(*(1.0,) * 8, 1.5, 1.5, 1.5, 1.0),
            lines_per_order=6.0,
            pack_size=6,
            packs_per_line=4.0,
            return_share=0.03,
            partial_share=0.80,
            return_lag_days=5.0,
            orphan_share=0.10,
            contacts=(
                ("email", 0.40),
                ("social", 0.05),
                ("phone", 0.35),
                ("other", 0.20),
            ),
            channels=(("representative", 0.5), ("web", 0.5)),
            promotion_share=0.0,
            quantity_breaks=((12, 0.05), (24, 0.10), (48, 0.15)),
        )

    @classmethod
    def cdnow(cls):
        """Buyers of the CDNOW cohort, by its published estimates.

        BG/NBD with r .243, alpha 4.414, a .793, b 2.426 and Gamma-Gamma spend with
        p 6.25, q 3.74, v 15.44. No season, no returns, no promotions; first orders in
        the first twelve weeks.

        References
        ----------
        Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). "Counting your customers"
        the easy way: an alternative to the Pareto/NBD model. Marketing Science 24(2).
        https://doi.org/10.1287/mksc.1040.0098

        Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). RFM and CLV: using iso-value
        curves for customer base analysis. Journal of Marketing Research 42(4).
        https://doi.org/10.1509/jmkr.2005.42.4.415
        """
        return cls(
            order_rate=(0.243, 4.414),
            dropout_rate=None,
            dropout_probability=(0.793, 2.426),
            order_value=(6.25, 3.74, 15.44),
            weekdays=_FLAT_WEEK,
            months=_FLAT_YEAR,
            lines_per_order=1.0,
            return_share=0.0,
            promotion_share=0.0,
        )

    @property
    def mean_order_rate(self):
        """Mean orders per week of a customer who is alive."""
        shape, rate = self.order_rate
        return shape / rate

    @property
    def mean_order_value(self):
        """Mean amount of an order over customers, infinite if q is 1 or less."""
        p, q, v = self.order_value
        return p * v / (q - 1.0) if q > 1.0 else float("inf")


def _check_positive(name, values, length):
    """Refuse what is not a tuple of so many numbers above 0."""
    usable = isinstance(values, tuple) and len(values) == length
    if not usable or not all(value > 0 for value in values):
        raise ValueError(
            f"`{name}` must be a tuple of {length} numbers above 0. "
            f"Got {values!r} instead. The distribution's parameters are in the order "
            "that the field's description gives."
        )


def _check_factors(name, values, length):
    """Refuse seasonal factors that are negative or all 0."""
    usable = isinstance(values, tuple) and len(values) == length
    if not usable or min(values) < 0 or max(values) <= 0:
        raise ValueError(
            f"`{name}` must be a tuple of {length} factors of 0 or more, one above 0. "
            f"Got {values!r} instead. Use 1.0 throughout for no season."
        )


def _check_shares(name, pairs):
    """Refuse named shares that do not sum to 1."""
    shares = [share for _, share in pairs]
    if not shares or min(shares) < 0 or abs(sum(shares) - 1.0) > 1e-8:
        raise ValueError(
            f"`{name}` must be pairs of a name and a share, of 0 or more, that sum to "
            f"1. Got {pairs!r} instead. Divide the shares by their sum."
        )


def _check_story(buyer):
    """Check what drives the orders over time."""
    _check_positive("order_rate", buyer.order_rate, 2)
    _check_positive("order_value", buyer.order_value, 3)
    check_whole("gap_shape", buyer.gap_shape, 1, remedy="Use 1 for a Poisson process.")
    if buyer.dropout_rate is not None:
        _check_positive("dropout_rate", buyer.dropout_rate, 2)
    if buyer.dropout_probability is not None:
        _check_positive("dropout_probability", buyer.dropout_probability, 2)
    if buyer.dropout_rate is not None and buyer.dropout_probability is not None:
        raise ValueError(
            "At most one of `dropout_rate` and `dropout_probability` must be given. "
            "Got both instead. Set one to None."
        )
    check_number("joining_weeks", buyer.joining_weeks, 0, remedy="Use 0 for one day.")
    _check_factors("weekdays", buyer.weekdays, 7)
    _check_factors("months", buyer.months, 12)


def _check_habits(buyer):
    """Check what is in an order, what comes back and who is reached how."""
    for field in fields(buyer):
        if field.name.endswith("_share"):
            value = getattr(buyer, field.name)
            check_number(field.name, value, 0, 1, remedy="Give a share.")
    for name in ("lines_per_order", "packs_per_line"):
        check_number(name, getattr(buyer, name), 1, remedy="Every order has a line.")
    check_whole("pack_size", buyer.pack_size, 1, remedy="Use 1 for single units.")
    for name in ("return_lag_days", "return_lag_sigma"):
        check_number(name, getattr(buyer, name), 0, remedy="Use 0 for none.")
    _check_shares("contacts", buyer.contacts)
    _check_shares("channels", buyer.channels)
    discounts = [*buyer.promotion_depth, *(depth for _, depth in buyer.quantity_breaks)]
    for depth in discounts:
        check_number(
            "promotion_depth and quantity_breaks",
            depth,
            0,
            0.9,
            remedy="Give a discount as a share of the list price.",
        )
