"""The scorer: a frozen model that answers for one customer or for millions."""

import os

import numpy as np

from custseg.scoring._file import save_scorer
from custseg.scoring._record import Record, record
from custseg.scoring._road import Road, Types
from custseg.scoring._sources import Columns, Row, columns_of

_ROWS = 2**14  # customers worked on at a time: what lies between steps stays cached


@record
class Scorer(Record):
    """A fitted model frozen to arrays; `compile_scorer` makes it.

    It answers as the model that it was made of: the same segments, and probabilities
    to within 1e-12. It does not change, so any number of threads may ask it, also
    after a fork; it needs NumPy alone.

    Attributes
    ----------
    columns : tuple of str
        Columns that a customer must have: those that the answer goes by. None stands
        for a value that is not known, and what else a customer has is not looked at.
        A model that was fitted on a table without names needs all its columns.
    segment_ids : tuple
        The segments, in the order of the columns of probabilities.
    segment_names : dict
        Name of each segment, where the model has names.

    See Also
    --------
    custseg.compile_scorer : Makes a scorer of a fitted model.
    load_scorer : Reads a scorer from a file.

    Notes
    -----
    The scorer is silent: levels that were not there when the model was fitted count as
    the model counts them, without the warning. What a person has decided about single
    customers (`SegmentationModel.override`) is not in it; neither is it in `predict` of
    the model.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg import KMeansSegmenter, compile_scorer
    >>> customers = pd.DataFrame({"orders": [1, 2, 2, 9], "spend": [10, 25, 20, 300]})
    >>> scorer = compile_scorer(KMeansSegmenter(2, random_state=0).fit(customers))
    >>> scorer.columns
    ('orders', 'spend')
    >>> scorer.predict_one({"orders": 7, "spend": 280.0})
    1
    >>> scorer.predict(customers)
    array([0, 0, 0, 1])
    """

    columns: tuple
    _road: object
    _ids: np.ndarray
    _names: tuple = ()

    def _prepare(self):
        self._keep(segment_ids=tuple(self._ids.tolist()))

    def __repr__(self):
        return f"Scorer(columns={self.columns!r}, segment_ids={self.segment_ids!r})"

    @property
    def segment_names(self):
        """Name of each segment; empty where the model has none."""
        return dict(zip(self.segment_ids, self._names, strict=False))

    def predict_one(self, customer):
        """Segment of one customer.

        Parameters
        ----------
        customer : mapping of column names to values
            With all of `columns`; None where a value is not known.

        Returns
        -------
        segment : int or str
            -1 for none of the above, where the model rejects.

        Raises
        ------
        SchemaError
            If a column is missing, or a value has the wrong type.
        DataQualityError
            If a number is infinite, or a value is missing that no step fills.
        """
        road, X = self._one(customer)
        code = road.codes(X).item()
        return -1 if code < 0 else self.segment_ids[code]

    def predict_proba_one(self, customer):
        """Probability of each segment for one customer.

        Parameters
        ----------
        customer : mapping of column names to values
            With all of `columns`; None where a value is not known.

        Returns
        -------
        probabilities : ndarray of shape (n_segments,)
            In the order of `segment_ids`.

        Raises
        ------
        AttributeError
            If the model has no probabilities.
        SchemaError, DataQualityError
            As by `predict_one`.
        """
        road, X = self._one(customer)
        self._check_probabilities(road)
        return road.probabilities(X)[0]

    def assign_one(self, customer):
        """Segment of one customer, and how sure the answer is.

        Parameters
        ----------
        customer : mapping of column names to values
            With all of `columns`; None where a value is not known.

        Returns
        -------
        answer : dict
            ``segment``; ``segment_name``, None if the model has no names;
            ``probability`` of the segment, or of the most probable one where the
            answer is -1, and ``typicality``: None where the model has none.
        """
        road, X = self._one(customer)
        codes, probabilities = road.answers(X)
        code, typicality = codes.item(), None
        if probabilities is None and road.last.has_probabilities:
            probabilities = road.probabilities(X)
        segment, name = self.segment_ids[code], self.segment_names.get
        label = name(segment)
        if road.typicality is not None:
            typicality = road.typicality.p_values(X).item()
            if typicality <= road.typicality.alpha:
                segment, label = -1, "none of the above"
        return {
            "segment": segment,
            "segment_name": label,
            "probability": None if probabilities is None else probabilities.item(code),
            "typicality": typicality,
        }

    def predict(self, table):
        """Segment of each customer.

        Parameters
        ----------
        table : frame or Arrow table, mapping of arrays, list of dict, or ndarray
            With all of `columns`, by name; an array has them in that order.

        Returns
        -------
        labels : ndarray of shape (n_customers,)
            -1 for none of the above, where the model rejects.

        Raises
        ------
        SchemaError, DataQualityError
            As by `predict_one`, with the number of rows.
        """
        table = columns_of(table, self.columns)
        labels = np.empty(table.n_rows, dtype=self._ids.dtype)
        for rows, road, X in self._blocks(table):
            codes = road.codes(X)
            known = self._ids[codes]
            if road.typicality is not None:
                known = np.where(codes < 0, -1, known)
            labels[rows] = known
        return labels

    def predict_proba(self, table):
        """Probability of each segment for each customer.

        Parameters
        ----------
        table : frame or Arrow table, mapping of arrays, list of dict, or ndarray
            With all of `columns`, by name; an array has them in that order.

        Returns
        -------
        probabilities : ndarray of shape (n_customers, n_segments)
            In the order of `segment_ids`; rows sum to one.

        Raises
        ------
        AttributeError
            If the model has no probabilities.
        SchemaError, DataQualityError
            As by `predict_one`, with the number of rows.
        """
        table = columns_of(table, self.columns)
        probabilities = np.empty((table.n_rows, len(self._ids)))
        for rows, road, X in self._blocks(table):
            self._check_probabilities(road)
            probabilities[rows] = road.probabilities(X)
        return probabilities

    def save(self, path):
        """Write the scorer to a file, which `load_scorer` reads.

        The file has no code in it: a header in JSON, arrays and a checksum. It is
        there whole or not at all, also if the machine stops meanwhile.

        Parameters
        ----------
        path : str or path
            Where to; a file that is there is replaced.
        """
        save_scorer(self, os.fspath(path))

    def _one(self, customer):
        road, names = self._road, self.columns
        if isinstance(road, Types):
            source = Row(customer, names)
            road = road.of_cell(source.cell(names.index(road.column)))
        return road, road.matrix(Row(customer, road.columns))

    def _blocks(self, table):
        """Yield rows, their road, and what its last step gets."""
        for start in range(0, table.n_rows, _ROWS):
            block = slice(start, min(start + _ROWS, table.n_rows))
            customers = table.rows(block)
            if isinstance(self._road, Road):
                yield block, self._road, self._road.matrix(customers)
                continue
            position = self.columns.index(self._road.column)
            places = customers.places(position, self._road.places)
            for rows, road in self._road.of_rows(places):
                of_type = _chosen(customers, rows, road.columns)
                yield start + rows, road, road.matrix(of_type)

    @staticmethod
    def _check_probabilities(road):
        if not road.last.has_probabilities:
            raise AttributeError(
                "A scorer has probabilities only of a model that has predict_proba. "
                "Got one whose last step has none instead. Pass "
                "assigner=DiscriminantAssigner() to the model."
            )


def _chosen(table, rows, names):
    """Return some rows of some columns."""
    columns = [table.columns[table.names.index(name)] for name in names]
    return Columns([column[rows] for column in columns], names, len(rows))
