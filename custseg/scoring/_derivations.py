"""Derivations of one column or two: rounds, usage, rates, bands, years and events."""

from datetime import date

import numpy as np

from custseg.columns import refuse, refuse_column
from custseg.exceptions import DataQualityError, SchemaError
from custseg.scoring._derived import Derivation, levels_of
from custseg.scoring._record import record

USAGE = ("none", "light", "medium", "heavy")


def not_negative(source, position, remedy, *, why="", got="others"):
    """Return a column of numbers of which none is below zero."""
    values = source.number(position)
    wrong = values < 0
    refuse_column(source.names[position], wrong, f"no number below 0{why}", remedy, got)
    return values


@record
class Cyclic(Derivation):
    """A column that goes round, as hours do: a point on a circle.

    Attributes
    ----------
    names : tuple of str
        Of the sine and the cosine.
    position : int
    whole : str
    period : float
        Length of a round.
    """

    names: tuple
    position: int
    whole: str
    period: float

    def __call__(self, source):
        """Return sine and cosine."""
        values = source.number(
            self.position, "Give hours, weekdays or months as numbers."
        )
        refuse(
            f"Cyclic column {self.whole!r}",
            (values < 0) | (values > self.period),
            f"lie between 0 and {self.period:g}, the length of its round",
            "Correct them, or the round.",
        )
        # What is a whole round is none: sin(2 pi) would be 2e-16 off.
        turned = np.where(values == self.period, 0.0, values) / self.period
        angle = 2 * np.pi * turned
        return [np.sin(angle), np.cos(angle)]


@record
class Usage(Derivation):
    """How much something is used: none, and light, medium and heavy users.

    Attributes
    ----------
    names : tuple of str
    position : int
    cuts : tuple of float
        Largest number of light and of medium users.
    """

    names: tuple
    position: int
    cuts: tuple
    ordered = True

    def __call__(self, source):
        """Return the levels of usage."""
        values = self.numbers(source)
        place = np.searchsorted(self.cuts, values, side="left") + 1.0
        place[values == 0] = 0
        place[np.isnan(values)] = np.nan
        return [levels_of(place, USAGE)]

    def numbers(self, source):
        """Return how much is used."""
        why = " when it is in usage"
        return not_negative(source, self.position, "Count returns apart.", why=why)


@record
class Threshold(Derivation):
    """Whether a number reaches a limit or, of days since, stays within it.

    Attributes
    ----------
    names : tuple of str
    position : int
    limit : float
    within : bool
    """

    names: tuple
    position: int
    limit: float
    within: bool

    def __call__(self, source):
        """Return one, zero, or NaN where missing."""
        values = source.number(self.position)
        there = values <= self.limit if self.within else values >= self.limit
        return [np.where(np.isnan(values), np.nan, there)]


@record
class CheckedCounts(Derivation):
    """Columns of counts, none below zero: checked, and nothing made of them.

    Attributes
    ----------
    names : tuple
        Empty.
    positions : tuple of int
    """

    names: tuple
    positions: tuple

    def __call__(self, source):
        """Return no column."""
        for position in self.positions:
            not_negative(source, position, "Correct them or mark them as missing.")
        return []


@record
class Rate(Derivation):
    """A count per another; missing where that is zero."""

    names: tuple
    position: int
    base: int

    def __call__(self, source):
        """Return the rate."""
        base = source.number(self.base)
        rate = np.full(len(base), np.nan)
        np.divide(source.number(self.position), base, out=rate, where=base > 0)
        return [rate]


@record
class Balance(Derivation):
    """What is given less what is received, as a share of both; 0 where both are."""

    names: tuple
    given: int
    received: int

    def __call__(self, source):
        """Return the balance, from -1 to 1."""
        given, received = source.number(self.given), source.number(self.received)
        both = given + received
        balance = np.zeros(len(both))
        np.divide(given - received, both, out=balance, where=both > 0)
        balance[np.isnan(both)] = np.nan
        return [balance]


@record
class MeanOfItems(Derivation):
    """The mean of standardised columns, of those that a customer has.

    Attributes
    ----------
    names : tuple of str
    positions : tuple of int
    means, sds : tuple of float
        An sd below zero turns a column.
    """

    names: tuple
    positions: tuple
    means: tuple
    sds: tuple

    def __call__(self, source):
        """Return the mean, NaN without any column."""
        total = known = 0.0
        each = zip(self.positions, self.means, self.sds, strict=True)
        for position, mean, sd in each:
            values = source.number(position)
            there = ~np.isnan(values)
            total = total + np.where(there, (values - mean) / sd, 0.0)
            known = known + there
        return [np.where(known > 0, total / np.maximum(known, 1.0), np.nan)]


# -- numbers to bands ------------------------------------------------------------------


@record
class Bands(Derivation):
    """Half-open bands of a number.

    Attributes
    ----------
    names : tuple of str
    position : int
    edges : tuple of float
        Ascending. An edge belongs to the band above it.
    bands : tuple of str
        Their names, one more than edges, lowest first.
    lowest : float
        Numbers below it are impossible.
    strict : bool
    """

    names: tuple
    position: int
    edges: tuple
    bands: tuple
    lowest: float
    strict: bool
    ordered = True

    def __call__(self, source):
        """Return the band of each number."""
        values = source.number(
            self.position,
            "Convert the column first (pandas.to_numeric), or leave it out of bands.",
        )
        impossible = values < self.lowest
        tell_impossible(
            source, self.names[0], f"hold {self.lowest:g} or more", impossible, self
        )
        place = np.searchsorted(self.edges, values, side="right").astype(np.float64)
        place[np.isnan(values) | impossible] = np.nan
        return [levels_of(place, self.bands)]


def tell_impossible(source, name, constraint, wrong, derivation):
    """Tell of values that cannot be and count as missing, or raise if `strict`."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        source.tell(
            f"Column {name!r} must {constraint}. Got others in {len(rows)} of "
            f"{len(wrong)} rows instead (first: row {rows[0]})",
            "counted as missing",
            "Correct them, or mark them as missing",
            DataQualityError,
            derivation.strict,
        )


# -- dates -----------------------------------------------------------------------------


@record
class YearsSince(Derivation):
    """Years from a date, or from a year, to the reference date.

    From a date they are the years completed, as one tells an age; from a year, the
    difference of the years.

    Attributes
    ----------
    names : tuple of str
    position : int
    reference : str
        The day at which years are counted, in ISO 8601.
    longest : int
        More years than this are impossible, as are fewer than none.
    strict : bool
    """

    names: tuple
    position: int
    reference: str
    longest: int
    strict: bool

    def __call__(self, source):
        """Return the years, NaN where missing or impossible."""
        reference = date.fromisoformat(self.reference)
        dates = source.dates(self.position)
        if dates is not None:
            years = _completed_years(dates, reference)
        else:
            years = reference.year - source.number(
                self.position,
                "Give dates parsed, as by pandas.to_datetime, or years as numbers.",
            )
        impossible = (years < 0) | (years > self.longest)
        constraint = f"give from 0 to {self.longest:,} years at {self.reference}"
        name = source.names[self.position]
        tell_impossible(source, name, constraint, impossible, self)
        return [np.where(impossible, np.nan, years)]


def _completed_years(dates, reference):
    """Return completed years; who was born on 29 February turns on 1 March."""
    year = dates.astype("datetime64[Y]")
    month = dates.astype("datetime64[M]")
    months = (month - year.astype("datetime64[M]")).astype(np.float64) + 1
    days = (dates.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(
        np.float64
    ) + 1
    missing = np.isnat(dates)
    years = reference.year - (year.astype(np.float64) + 1970)
    to_come = 100 * months + days > 100 * reference.month + reference.day
    return np.where(missing, np.nan, years - to_come)


@record
class Events(Derivation):
    """Dates of events to days until the next and since the last, at a reference date.

    Attributes
    ----------
    names : tuple of str
    positions : tuple of int
    whole : str
    reference : str
        In ISO 8601.
    window : tuple of int
        The longest time until and since an event; what stands where there is no event
        in it.
    yearly : bool
        Whether the days come again each year.
    strict : bool
    """

    names: tuple
    positions: tuple
    whole: str
    reference: str
    window: tuple
    yearly: bool
    strict: bool

    def __call__(self, source):
        """Return days until and since; on the day itself an event is 0 days since."""
        reference = date.fromisoformat(self.reference)
        until = np.full(source.n_rows, float(self.window[0]))
        since = np.full(source.n_rows, float(self.window[1]))
        for position in self.positions:
            first = self._days(source, position)
            for day in _anniversaries(first, reference) if self.yearly else [first]:
                ahead = (day - np.datetime64(reference, "D")).astype(np.float64)
                ahead[np.isnat(day)] = np.nan
                until = np.fmin(until, np.where(ahead > 0, ahead, np.nan))
                since = np.fmin(since, np.where(ahead <= 0, -ahead, np.nan))
        return [until, since]

    def _days(self, source, position):
        """Return days, without first days that stand for none, such as 1900-01-01."""
        name, dates = source.names[position], source.dates(position)
        if dates is None:
            raise SchemaError(
                f"Column {name!r} must hold dates of events. Got "
                f"{source.kind(position)} instead. Parse it first, e.g. with "
                "pandas.to_datetime."
            )
        dates = dates.astype("datetime64[D]")
        if not self.yearly:
            return dates
        early = dates < np.datetime64("1901-01-01", "D")
        rows = np.flatnonzero(early)
        if len(rows):
            source.tell(
                f"Column {name!r} must hold first days of a yearly event from 1901 on. "
                f"Got others in {len(rows)} of {len(dates)} rows instead (first: row "
                f"{rows[0]})",
                "counted as missing",
                "Mark them as missing",
                DataQualityError,
                self.strict,
            )
        return np.where(early, np.datetime64("NaT", "D"), dates)


def _anniversaries(first, reference):
    """Yield the days of this year, the last and the next, from the first event on."""
    month = first.astype("datetime64[M]")
    day = (first - month.astype("datetime64[D]")).astype(np.int64)
    month_of_year = (
        month - first.astype("datetime64[Y]").astype("datetime64[M]")
    ).astype(np.int64)
    known = ~np.isnat(first)
    for year in range(reference.year - 1, reference.year + 2):
        # 29 February is 1 March in other years.
        january = np.datetime64(date(year, 1, 1), "M")
        start = january + np.where(known, month_of_year, 0)
        again = start.astype("datetime64[D]") + np.where(known, day, 0)
        again[~known | (again < first)] = np.datetime64("NaT", "D")
        yield again
