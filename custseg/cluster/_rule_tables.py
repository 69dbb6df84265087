"""`RuleTable`: named rules on columns, checked to be exhaustive and exclusive."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd

from custseg.cluster._rule_data import Rule, level, shown
from custseg.cluster._rule_grid import (
    Among,
    axis_of,
    box_text,
    holes,
    overlaps,
    owners,
)

__all__ = ["RuleTable"]


@dataclass(frozen=True, repr=False)
class RuleTable:
    """Named rules that give every customer exactly one segment.

    The rules are checked when the table is made, over all cells that their own
    conditions make of the columns: a cell of no rule, or of rules with two names, is
    refused and named. Tables are immutable, can be pickled and compared.

    Attributes
    ----------
    rules : tuple of Rule
        The first that holds gives the segment.
    levels : dict or None
        Column to all the levels that it can have, such as ``range(1, 6)`` for scores.
        Other values are refused in customers. Kept as pairs.
    bands : dict or None
        Column to the `RuleBand` that cuts it; rules then name its labels. Kept as
        pairs.
    means : dict or None
        New column to the columns that it is the mean of, rounded half up to a whole
        number where it has levels. Kept as pairs.
    overlap : {"refuse", "first"}
        What becomes of cells of two names: refused, or settled by the order of the
        rules. A rule that is never first is refused all the same.
    otherwise : str or None
        Name of the segment of cells of no rule; None refuses such cells.

    Raises
    ------
    ValueError
        If there is a hole or an overlap, a rule that is never reached, or a condition
        that does not go with the levels or bands of its column.

    See Also
    --------
    RuleSegmenter : Segments customers by a table.
    marketing_table, value_cells_table, loyalty_table, value_tiers_table : Ready ones.

    Notes
    -----
    The check is exact. A column with levels has as many cells as levels, one with
    bands as many as labels. Any other column of numbers is cut at the numbers that the
    rules mention, into these points and the open stretches between and beyond them, so
    that ``(1, 2)`` and ``(3, 5)`` leave the hole between 2 and 3 unless the column has
    levels. A column of text without levels has the levels that rules mention and one
    cell for all others. Rules are boxes of cells; every cell is looked at.

    Examples
    --------
    >>> from custseg.cluster import Rule, RuleTable
    >>> table = RuleTable(
    ...     (
    ...         Rule("wholesale", type="wholesale"),
    ...         Rule("large", type="retail", spend=">= 1000"),
    ...         Rule("small", type="retail", spend="< 1000"),
    ...     ),
    ...     levels={"type": ("wholesale", "retail")},
    ... )
    >>> table.names
    ('wholesale', 'large', 'small')
    >>> table.segment_of(type="retail", spend=2500)
    'large'

    Scores with a hole:

    >>> try:
    ...     RuleTable(
    ...         (Rule("good", r=(4, 5)), Rule("rest", r=(1, 3), f=(1, 4))),
    ...         levels={"r": range(1, 6), "f": range(1, 6)},
    ...     )
    ... except ValueError as error:
    ...     print(error)
    Rules must give each cell a segment. Got 3 of 25 cells in no rule instead: r=1..3, \
f=5. Add rules, or name the rest by otherwise=.
    """

    rules: tuple
    levels: Mapping | tuple | None = None
    bands: Mapping | tuple | None = None
    means: Mapping | tuple | None = None
    overlap: str = "refuse"
    otherwise: str | None = None
    _axes: tuple = field(init=False, repr=False, compare=False)
    _owner: np.ndarray = field(init=False, repr=False, compare=False)
    _names: tuple = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        """Read the fields, cut the columns, and check the cells."""
        self._read_fields()
        axes = self._cut()
        boxes = [self._box(axes, rule) for rule in self.rules]
        names = tuple(dict.fromkeys(rule.name for rule in self.rules))
        owned = [names.index(rule.name) for rule in self.rules]
        owner = owners(axes, boxes, owned)
        if self.overlap == "refuse":
            self._refuse_overlaps(axes, overlaps(boxes, owned), names)
        else:
            self._refuse_unreached(boxes, owner.shape)
        if (owner < 0).any():
            if self.otherwise is None:
                self._refuse_holes(axes, owner)
            names = tuple(dict.fromkeys([*names, self.otherwise]))
            owner[owner < 0] = names.index(self.otherwise)
        owner.flags.writeable = False
        self._set(_axes=axes, _owner=owner, _names=names)

    # -- what it says ------------------------------------------------------------------

    @property
    def names(self):
        """Names of the segments, in the order of the rules.

        Returns
        -------
        tuple of str
        """
        return self._names

    @property
    def columns(self):
        """Columns that customers must have.

        Returns
        -------
        tuple of str and int
            In the order in which rules mention them; those of a mean in its place.
        """
        means, found = dict(self.means), []
        for axis in self._axes:
            found += means.get(axis.column, (axis.column,))
        return tuple(dict.fromkeys(found))

    @property
    def axes(self):
        """Columns that rules mention, cut into cells.

        Returns
        -------
        tuple of Axis
        """
        return self._axes

    @property
    def owners(self):
        """Place in `names` of the segment of each cell, an axis of `axes` each.

        Returns
        -------
        ndarray of int
        """
        return self._owner

    def owners_of(self, places):
        """Find the segments of cells.

        Parameters
        ----------
        places : list of ndarray of shape (n_customers,)
            Cell of each customer on each of `axes`.

        Returns
        -------
        ndarray of shape (n_customers,)
            Place in `names`.
        """
        return self._owner[tuple(places)]

    def frame(self):
        """Show the rules as a table.

        Returns
        -------
        DataFrame
            One row a rule: its name, and its condition on each column, "any" for none.
        """
        rows = [
            {"segment": rule.name}
            | {axis.column: "any" for axis in self._axes}
            | {column: shown(one) for column, one in rule.conditions}
            for rule in self.rules
        ]
        return pd.DataFrame(rows)

    def segment_of(self, cell=None, /, **columns):
        """Name the segment of one cell.

        Parameters
        ----------
        cell : dict, default=None
            Column to value, for columns that keywords cannot name.
        **columns
            Column to value: a number, a level, or the label of a band. A column that
            is a mean is given itself.

        Returns
        -------
        name : str

        Raises
        ------
        ValueError
            If a column is missing or has no such level.
        """
        given = {**(cell or {}), **columns}
        place = []
        for axis in self._axes:
            if axis.column not in given:
                raise ValueError(
                    f"A cell must have column {axis.column!r}. Got "
                    f"{', '.join(map(repr, given)) or 'none'} instead."
                )
            place.append(axis.place_of(given[axis.column]))
        return self._names[self._owner[tuple(place)]]

    def renamed(self, names):
        """Give segments other names.

        Parameters
        ----------
        names : dict of str to str
            Old name to new name; segments of one new name become one.

        Returns
        -------
        RuleTable

        Raises
        ------
        ValueError
            If there is no segment of an old name.
        """
        unknown = [name for name in names if name not in self._names]
        if unknown:
            raise ValueError(
                "names must have the names of segments as keys. Got "
                f"{', '.join(map(repr, unknown))} instead. There are "
                f"{', '.join(map(repr, self._names))}."
            )
        rules = tuple(
            Rule(names.get(rule.name, rule.name), dict(_given(rule)))
            for rule in self.rules
        )
        kept = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        otherwise = names.get(self.otherwise, self.otherwise)
        return RuleTable(**kept | {"rules": rules, "otherwise": otherwise})

    def __repr__(self):
        """Say how many rules there are, and on what."""
        columns = ", ".join(str(axis.column) for axis in self._axes)
        return f"RuleTable({len(self.rules)} rules on {columns})"

    # -- reading -----------------------------------------------------------------------

    def _set(self, **values):
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _read_fields(self):
        rules = tuple(self.rules)
        if not rules or not all(isinstance(rule, Rule) for rule in rules):
            raise ValueError(
                f"rules must be a tuple of Rule, one or more. Got {self.rules!r} "
                "instead."
            )
        if self.overlap not in ("refuse", "first"):
            raise ValueError(
                f"overlap must be 'refuse' or 'first'. Got {self.overlap!r} instead."
            )
        levels, bands, means = (
            dict(given or ()) for given in (self.levels, self.bands, self.means)
        )
        for column, listed in levels.items():
            what = f"Levels of column {column!r}"
            read = dict.fromkeys(level(one, what) for one in listed)
            if not read or len({isinstance(one, str) for one in read}) > 1:
                raise ValueError(
                    f"{what} must be all numbers or all text, one or more. Got "
                    f"{listed!r} instead."
                )
            levels[column] = tuple(
                read if isinstance(next(iter(read)), str) else sorted(read)
            )
        both = [column for column in bands if column in levels or column in means]
        if both:
            raise ValueError(
                f"A column must have levels or bands, not both. Got {both[0]!r} with "
                "both instead."
            )
        self._set(
            rules=rules,
            levels=tuple(levels.items()),
            bands=tuple(bands.items()),
            means=tuple((column, tuple(of)) for column, of in means.items()),
        )

    def _cut(self):
        """Cut each column that rules mention."""
        conditions = {}
        for rule in self.rules:
            for column, one in rule.conditions:
                conditions.setdefault(column, []).append(one)
        if not conditions:
            raise ValueError(
                "Rules must have conditions. Got none on any column instead."
            )
        means = dict(self.means)
        for column in conditions:
            inside = [of for of in means.get(column, ()) if of in conditions]
            if inside:
                raise ValueError(
                    f"Rules must be on {column!r} or on the columns that it is the "
                    f"mean of, not on both. Got {inside[0]!r} as well instead."
                )
        levels, bands = dict(self.levels), dict(self.bands)
        return tuple(
            axis_of(
                column,
                given,
                levels=levels.get(column),
                labels=bands[column].labels if column in bands else None,
            )
            for column, given in conditions.items()
        )

    def _box(self, axes, rule):
        given = dict(rule.conditions)
        box = [
            axis.mask(given[axis.column], rule.name)
            if axis.column in given
            else np.ones(axis.n_cells, dtype=bool)
            for axis in axes
        ]
        if not all(mask.any() for mask in box):
            raise ValueError(
                f"Rule {rule.name!r} must hold for some cell. Got none instead. See "
                "its conditions against the levels of the columns."
            )
        return box

    # -- refusing ----------------------------------------------------------------------

    def _refuse_overlaps(self, axes, found, names):
        if found:
            texts = [
                f"{box_text(axes, box)} is in {names[one]!r} and {names[other]!r}"
                for one, other, box in found[:5]
            ]
            more = f"; and {len(found) - 5} more" * (len(found) > 5)
            raise ValueError(
                f"Rules of different names must not overlap. Got {len(found)} "
                f"overlap{'s' * (len(found) > 1)} instead: {'; '.join(texts)}{more}. "
                "Narrow the rules, or take the first that holds by overlap='first'."
            )

    def _refuse_unreached(self, boxes, shape):
        first = owners(self._cut(), boxes, range(len(boxes)))
        reached = np.unique(first)
        for place, rule in enumerate(self.rules):
            if place not in reached:
                raise ValueError(
                    "Each rule must be the first to hold for some cell. Got none for "
                    f"rule {place} ({rule.name!r}) instead. Move it up, or leave it "
                    "out."
                )

    def _refuse_holes(self, axes, owner):
        found = holes(owner, limit=6)
        texts = [box_text(axes, box) for box in found[:5]]
        more = "; and more" * (len(found) > 5)
        raise ValueError(
            f"Rules must give each cell a segment. Got {np.count_nonzero(owner < 0)} "
            f"of {owner.size} cells in no rule instead: {'; '.join(texts)}{more}. Add "
            "rules, or name the rest by otherwise=."
        )


def _given(rule):
    """Return the conditions of a rule as they can be given."""
    for column, one in rule.conditions:
        if isinstance(one, Among):
            yield column, list(one.values)
            continue
        ends = (one.low, one.high)
        yield column, tuple(None if np.isinf(end) else end for end in ends)
