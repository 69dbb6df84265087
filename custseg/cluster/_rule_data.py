"""What rule tables are made of: rules and bands, as data that can be kept."""

from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real

import numpy as np

from custseg.cluster._rule_grid import Among, Span
from custseg.columns import level_text

__all__ = ["Rule", "RuleBand", "level", "shown"]

_METHODS = ("mean", "median", "quantile", "kmeans")


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def level(value, what):
    """Read a level: a finite number or text that is not blank."""
    if isinstance(value, str) and value.strip():
        return level_text(value)
    if _is_number(value) and np.isfinite(value):
        return int(value) if float(value).is_integer() else float(value)
    raise ValueError(
        f"{what} must be finite numbers or text that is not blank. Got {value!r} "
        "instead."
    )


def _condition(name, column, given):
    """Read a condition as an interval or a set of levels."""
    what = f"Conditions of rule {name!r} on column {column!r}"
    if isinstance(given, tuple):
        return _interval(what, given)
    if isinstance(given, Set | list | range | np.ndarray):
        levels = {level(one, what) for one in given}
        if not levels or len({isinstance(one, str) for one in levels}) > 1:
            raise ValueError(
                f"{what} must list levels that are all numbers or all text. Got "
                f"{given!r} instead."
            )
        return Among(tuple(sorted(levels)))
    return Among((level(given, what),))


def _interval(what, given):
    ends = [one for one in given if one is not None]
    ordered = len(given) == 2 and ends and all(map(_is_number, ends))
    if not ordered or not np.isfinite(ends).all() or list(ends) != sorted(ends):
        raise ValueError(
            f"{what} must be a pair (lowest, highest), None for no limit. Got "
            f"{given!r} instead. Give several levels as a set, such as {1, 3, 5}."
        )
    low, high = given
    return Span(
        -np.inf if low is None else float(low), np.inf if high is None else float(high)
    )


@dataclass(frozen=True, init=False)
class Rule:
    """A name, and the conditions that all must hold for it.

    Parameters
    ----------
    name : str
        Of the segment. Rules of one name make one segment.
    conditions : dict, default=None
        Column (name or position) to condition, for columns that keywords cannot name.
    **columns
        Column to condition:

        - a number or text: exactly this number, level or label of a `RuleBand`;
        - a pair ``(low, high)``: from low to high, both included, None for no limit;
        - a set, list or range: any of these;
        - text such as ``">= 100"`` or ``">= 100 and < 500"``: a comparison, in columns
          of numbers without levels or bands;
        - None: any value.

    Attributes
    ----------
    name : str
        Of the segment.
    conditions : tuple of (str or int, condition)
        Column and condition, those of any value left out.

    Raises
    ------
    ValueError
        If the name is blank, or a condition is none of the above.

    See Also
    --------
    RuleTable : Checks rules together.

    Examples
    --------
    >>> from custseg.cluster import Rule
    >>> Rule("Champions", r=5, f=(4, 5))
    Rule('Champions', r=5, f=4..5)
    """

    name: str
    conditions: tuple = ()

    def __init__(self, name, conditions=None, /, **columns):
        if not isinstance(name, str) or not name.strip():
            raise ValueError(
                f"The name of a rule must be text that is not blank. Got {name!r} "
                "instead."
            )
        given = {**(conditions or {}), **columns}
        for column in given:
            if not isinstance(column, str | int | np.integer):
                raise ValueError(
                    f"Columns of rule {name!r} must be names or positions. Got "
                    f"{column!r} instead."
                )
        read = tuple(
            (column, _condition(name, column, one))
            for column, one in given.items()
            if one is not None
        )
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "conditions", read)

    def __repr__(self):
        """Show the rule as it is written."""
        parts = [f"{column}={shown(one)}" for column, one in self.conditions]
        return f"Rule({', '.join([repr(self.name), *parts])})"


def shown(condition):
    """Write a condition: `4..5`, `high`, `>= 100`."""
    if isinstance(condition, Span):
        low, high = condition.low, condition.high
        if np.isinf(low):
            return f"<={high:g}"
        return f">={low:g}" if np.isinf(high) else f"{low:g}..{high:g}"
    return str(condition)


@dataclass(frozen=True)
class RuleBand:
    """How a column of numbers is cut into labelled bands, learned in `fit`.

    Attributes
    ----------
    labels : tuple of str
        Names of the bands, that of the smallest numbers first.
    cuts : {"mean", "median", "quantile", "kmeans"} or tuple of floats
        Where bands begin. "mean" and "median" make two bands. "quantile" takes the
        shares `at`. "kmeans" takes the natural classes of
        `custseg.features.RFMTransformer`. Numbers stand as they are given, one less
        than there are labels.
    at : tuple of floats or None
        Shares of customers below each cut for "quantile"; None takes equal shares.
    equal : {"upper", "lower"}
        Band of a number that equals a cut.
    missing : str or None
        Label of a missing value; None refuses it.

    Raises
    ------
    ValueError
        If the labels are not distinct text, or the cuts do not go with them.

    Examples
    --------
    >>> from custseg.cluster import RuleBand
    >>> RuleBand(("low", "high"), "mean").labels
    ('low', 'high')
    """

    labels: tuple
    cuts: str | tuple = "mean"
    at: tuple | None = None
    equal: str = "upper"
    missing: str | None = None

    def __post_init__(self):
        """Check the fields against each other."""
        texts = tuple(level(one, "Labels of a band") for one in self.labels)
        if (
            len(texts) < 2
            or len(set(texts)) < len(texts)
            or isinstance(self.labels, str)
        ):
            raise ValueError(
                f"A band must have two labels or more, each once. Got {self.labels!r} "
                "instead."
            )
        object.__setattr__(self, "labels", tuple(map(str, texts)))
        n_cuts = len(texts) - 1
        if isinstance(self.cuts, str):
            fits = self.cuts in _METHODS and (
                self.cuts in ("quantile", "kmeans") or n_cuts == 1
            )
        else:
            object.__setattr__(self, "cuts", tuple(self.cuts))
            fits = _rising(self.cuts, n_cuts)
        if not fits:
            raise ValueError(
                f"cuts of a band must be {n_cuts} rising numbers for {n_cuts + 1} "
                "labels, 'quantile', 'kmeans', or for two labels 'mean' or 'median'. "
                f"Got {self.cuts!r} instead."
            )
        self._check_rest(n_cuts)

    def _check_rest(self, n_cuts):
        if self.at is not None:
            object.__setattr__(self, "at", tuple(self.at))
            within = _rising(self.at, n_cuts) and self.at[0] > 0 and self.at[-1] < 1
            if self.cuts != "quantile" or not within:
                raise ValueError(
                    f"at must be {n_cuts} rising shares between 0 and 1, for cuts="
                    f"'quantile'. Got {self.at!r} instead."
                )
        if self.equal not in ("upper", "lower"):
            raise ValueError(
                f"equal must be 'upper' or 'lower'. Got {self.equal!r} instead."
            )
        if self.missing is not None and self.missing not in self.labels:
            raise ValueError(
                f"missing must be a label of the band. Got {self.missing!r} instead. "
                f"There are {', '.join(map(repr, self.labels))}."
            )


def _rising(numbers, n):
    return (
        len(numbers) == n
        and all(_is_number(one) and np.isfinite(one) for one in numbers)
        and all(a < b for a, b in pairwise(numbers))
    )
