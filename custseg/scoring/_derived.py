"""Columns made of columns: derivations, the rounds that they run in, and the step.

A derivation is a record of what `fit` of a transformer has learned. Called with a
source it returns the columns that it makes: of a whole table in `transform`, of one
customer in a scorer, by the same arithmetic.
"""

import numpy as np

from custseg.scoring._customer_columns import CustomerColumns
from custseg.scoring._record import Record, record
from custseg.scoring._sources import Coded, CustomerSource, numbers_of, places_of


class Derivation(Record):
    """What derivations share.

    Attributes
    ----------
    names : tuple of str
        Of the columns that it makes.
    whole : str
        Only where they are numbers of one whole, which share a scale: its name.
    weight : float
        Total variance that the numbers of a whole get together, if it is not 1.
    ordered : bool
        Whether levels come lowest first.
    """

    ordered = False

    def __call__(self, source):
        """Return one column for each name.

        Parameters
        ----------
        source : CustomerSource

        Returns
        -------
        list of ndarray of shape (n_rows,), Coded or int
            Numbers, NaN where missing; levels; or the position of a column of the
            source that stays as it is.
        """
        raise NotImplementedError


@record
class Same(Derivation):
    """A column that stays as it is."""

    names: tuple
    position: int

    def __call__(self, source):
        """Return the position of the column."""
        return [self.position]


class Derived(CustomerSource):
    """Columns of a source, and others made of them."""

    __slots__ = ("columns", "n_rows", "names", "source", "tells")
    alone = False

    def __init__(self, source, derivations):
        self.source, self.n_rows, self.tells = source, source.n_rows, source.tells
        self.names, self.columns = [], []
        for derivation in derivations:
            self.names += derivation.names
            self.columns += derivation(source)

    def _at(self, position):
        column = self.columns[position]
        return self.names[position], column, type(column) is int

    def number(self, position, remedy=""):
        """Values of a column of numbers."""
        name, column, is_same = self._at(position)
        if is_same:
            return self.source.number(column, remedy)
        return numbers_of(name, column)

    def matrix(self, positions, remedy=""):
        """Values of some columns, one stretch a column."""
        X = np.empty((len(positions), self.n_rows)).T
        for k, position in enumerate(positions):
            column = self.columns[position]
            if type(column) is not np.ndarray:
                column = self.number(position, remedy)
            X[:, k] = column
        return X

    def places(self, position, places):
        """Places of a column's levels."""
        name, column, is_same = self._at(position)
        if is_same:
            return self.source.places(column, places)
        return places_of(name, column, places)

    def dates(self, position):
        """Dates of a column; None where it has none."""
        _, column, is_same = self._at(position)
        return self.source.dates(column) if is_same else None

    def kind(self, position):
        """Say what a column holds, for errors."""
        _, column, is_same = self._at(position)
        return self.source.kind(column) if is_same else "derived values"

    def tell(self, *said):
        """Hand on what is told."""
        self.source.tell(*said)

    def tell_unseen(self, position, wrong):
        """Hand on which levels have not been seen."""
        name, column, is_same = self._at(position)
        if is_same:
            self.source.tell_unseen(column, wrong)
        else:
            self.source.tell_unseen_of(name, column, wrong)

    def tell_unseen_of(self, name, column, wrong):
        """Hand on which levels of a column made of others have not been seen."""
        self.source.tell_unseen_of(name, column, wrong)

    def counted(self, position, wrong):
        """Say how many rows are wrong, and what they hold where that may be told."""
        _, column, is_same = self._at(position)
        if is_same:
            return self.source.counted(column, wrong)
        return super().counted(position, wrong)


@record
class DerivedColumns(Record):
    """Columns made of columns, then filled, logged and scaled.

    Attributes
    ----------
    rounds : tuple of tuple of Derivation
        Each round gets the columns that the one before it made.
    columns : CustomerColumns
    """

    rounds: tuple
    columns: CustomerColumns

    def __call__(self, source):
        """Return the outputs, ndarray of shape (n_rows, n_outputs)."""
        for derivations in self.rounds:
            source = Derived(source, derivations)
        return self.columns(source)


def levels_of(values, levels):
    """Return levels by their places, which are numbers that may be missing."""
    missing = np.isnan(values)
    return Coded(np.where(missing, -1, values).astype(np.intp), levels)
