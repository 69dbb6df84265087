"""Derivations of levels: trades of codes, columns of places, nested levels."""

import numpy as np

from custseg.columns import MISSING_CODE, UNSEEN_CODE, Levels
from custseg.exceptions import SchemaError
from custseg.scoring._derived import Derivation
from custseg.scoring._record import Record, record
from custseg.scoring._sources import Coded

OTHER_LEVEL, MISSING_LEVEL = "other", "missing"
_WITH_NUMBERS = ("number", "boolean", "mixed")


class FoundLevels(Levels):
    """Levels of levels as they are found: -1 for a missing one."""

    __slots__ = ("found", "only_text")

    def __init__(self, *, only_text):
        super().__init__((), "level")
        self.found, self.only_text = {}, only_text

    def code_of(self, name, cell):
        """Return the code of one cell."""
        level = self.read(name, cell)
        if level is None:
            return -1
        if self.only_text and not isinstance(cell, str):
            self.refuse(name)
        return self.found.setdefault(level, len(self.found))

    def refuse(self, name):
        """Raise where a column must hold text."""
        raise SchemaError(
            f"Column {name!r} must hold text, to be known by how it begins. Got "
            "numbers instead. Read codes as text, because numbers have lost their "
            "leading zeros, or give trade_map whole codes without '*'."
        )


@record
class Trades(Derivation):
    """Codes to trades, by the whole code or by its longest beginning.

    Attributes
    ----------
    names : tuple of str
    position : int
    codes, trades : tuple of str
        Whole codes in lower case, and the trade of each.
    beginnings, begun : tuple of str
        Beginnings of codes, longest first, and the trade of each.
    """

    names: tuple
    position: int
    codes: tuple
    trades: tuple
    beginnings: tuple
    begun: tuple

    def _prepare(self):
        self._keep(
            _whole=dict(zip(self.codes, self.trades, strict=True)),
            _begun=dict(zip(self.beginnings, self.begun, strict=True)),
        )

    def __call__(self, source):
        """Return trades; a code without one is a level of its own."""
        places, levels = self.levels(source)
        trades = [self.trade_of(level) or level for level in levels]
        return [Coded(places, trades)]

    def levels(self, source):
        """Return the place of each customer's code, -1 for none, and the codes."""
        found = FoundLevels(only_text=any(self.beginnings))
        if found.only_text and source.kind(self.position) in _WITH_NUMBERS:
            found.refuse(source.names[self.position])
        places = source.places(self.position, found)
        return places, list(found.found)

    def trade_of(self, level):
        """Return the trade of a code; None where it has none."""
        level = level.casefold()
        if level in self._whole:
            return self._whole[level]
        starts = (start for start in self.beginnings if level.startswith(start))
        return self._begun.get(next(starts, None))


@record
class Joined(Derivation):
    """Columns of places, by a key that customers have.

    Attributes
    ----------
    names : tuple of str
    position : int
        Of the key.
    keys : Levels
    columns : tuple of ndarray of shape (n_places + 1,)
        Numbers, or codes of levels; the last is missing.
    levels : tuple of tuple of str, or None
        Of each column, None for one of numbers.
    kinds : tuple of str
        What the table of places has each column for.
    orders : tuple of tuple of str, or None
        Levels of each ordered column, lowest first.
    strict : bool
    """

    names: tuple
    position: int
    keys: Levels
    columns: tuple
    levels: tuple
    kinds: tuple
    orders: tuple
    strict: bool

    def __call__(self, source):
        """Return the columns, missing where the key is missing or not known."""
        rows, wrong = self.rows(source)
        if wrong.any():
            source.tell(
                f"Column {source.names[self.position]!r} must hold keys of places. Got "
                f"others in {source.counted(self.position, wrong)} of {len(rows)} rows "
                "instead",
                "whose columns of places are missing",
                "Add them to places",
                SchemaError,
                self.strict,
            )
        return [
            values[rows] if levels is None else Coded(values[rows], levels)
            for values, levels in zip(self.columns, self.levels, strict=True)
        ]

    def rows(self, source):
        """Return the row of each customer's place, and who has none."""
        places = source.places(self.position, self.keys)
        wrong = (places == MISSING_CODE) | (places == UNSEEN_CODE)
        return np.where(wrong, -1, places), wrong


@record
class HierarchyLevel(Record):
    """What one level of a hierarchy has learned.

    Attributes
    ----------
    name : str
        Of its column.
    kept : tuple of tuple of str
        Paths that have a number of their own.
    pooled : tuple of tuple of str
        Paths that `fit` has seen and found rare.
    spread : float
        Standard deviation of all its indicators together; infinite where constant.
    """

    name: str
    kept: tuple
    pooled: tuple
    spread: float

    @property
    def is_named(self):
        """Whether the level keeps a node beside `other` and `missing`."""
        return bool(set(self.kept) - {(OTHER_LEVEL,), (MISSING_LEVEL,)})


@record
class Hierarchy(Derivation):
    """Nested levels such as country, region, city: indicators of nodes.

    A node is a path from the top: the city Springfield of one region is another than
    that of the next. A path that is rare, unseen or breaks off counts as far as it is
    known.

    Attributes
    ----------
    names : tuple of str
        Of the nodes.
    positions : tuple of int
        Coarsest first.
    whole : str
    levels : tuple of HierarchyLevel
    scale : bool
        Whether each level has a total variance of one on the training data.
    strict : bool
    """

    names: tuple
    positions: tuple
    whole: str
    levels: tuple
    scale: bool
    strict: bool

    def _prepare(self):
        tables, above, first = [], {(): 0}, 0
        for depth, level in enumerate(self.levels):
            known = [*level.kept, *level.pooled]
            ends = sorted({path[-1] for path in known})
            end_of = {end: place for place, end in enumerate(ends)}
            # Which known path each known path above and each last level make.
            below = np.full((len(above), len(ends) + 2), -1, dtype=np.intp)
            for place, path in enumerate(known):
                if path[:-1] in above:
                    below[above[path[:-1]], end_of[path[-1]]] = place
            # The column of each path; a level that is not known counts as `other`.
            column_of = np.full(len(known) + 2, -1, dtype=np.intp)
            column_of[: len(level.kept)] = first + np.arange(len(level.kept))
            if depth == 0:
                node_of = {path: first + k for k, path in enumerate(level.kept)}
                other = node_of.get((OTHER_LEVEL,), -1)
                column_of[len(level.kept) :] = other
                column_of[MISSING_CODE] = node_of.get((MISSING_LEVEL,), other)
            tables.append((Levels(ends, "level"), below, column_of))
            above = {path: place for place, path in enumerate(known)}
            first += len(level.kept)
        self._keep(_tables=tuple(tables))

    def __call__(self, source):
        """Return the indicators."""
        n_rows = source.n_rows
        # Each node's numbers in one stretch, as they will be gone over.
        values = np.zeros((len(self.names), n_rows))
        above, unseen = np.zeros(n_rows, dtype=np.intp), {}
        for depth, (level, position) in enumerate(
            zip(self.levels, self.positions, strict=True)
        ):
            places, below, column_of = self._tables[depth]
            ends = source.places(position, places)
            paths = np.where(above >= 0, below[above, ends], -1)
            absent = ends == MISSING_CODE
            new = (above >= 0) & (paths < 0) & ~absent
            if depth == 0:
                paths = np.where(absent, MISSING_CODE, paths)
                if (MISSING_LEVEL,) not in level.kept:
                    new |= absent
            if level.is_named and new.any():
                unseen[position] = new
            columns = column_of[paths]
            rows = np.flatnonzero(columns >= 0)
            values[columns[rows], rows] = 1 / level.spread if self.scale else 1.0
            above = np.where(paths >= 0, paths, -1)
        if unseen and (source.tells or self.strict):
            self._tell(source, unseen)
        return list(values)

    def _tell(self, source, unseen):
        names = {position: source.names[position] for position in unseen}
        found = "; ".join(
            f"{names[position]!r}: {source.counted(position, wrong)}"
            for position, wrong in unseen.items()
        )
        first = self.levels[0]
        stand_in = repr(OTHER_LEVEL)
        if (OTHER_LEVEL,) not in first.kept:
            stand_in = "no level"
        at_top, below = self.positions[0] in unseen, set(unseen) - {self.positions[0]}
        treated = [f"counted as {stand_in} in {first.name!r}"] * at_top
        treated += ["known by the level above"] * bool(below)
        source.tell(
            "Levels of hierarchy must have been seen in fit. Got unseen ones in "
            f"{found} rows instead",
            " and ".join(treated),
            "Correct them, or fit again with customers who have them",
            SchemaError,
            self.strict,
        )
