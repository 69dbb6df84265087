"""Which segments a customer may belong to: a p-value for each."""

import warnings
from numbers import Real

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custseg._sklearn import check_is_fitted
from custseg._utils._frames import as_frame
from custseg.assignment._model_columns import as_table
from custseg.exceptions import SegmentWarning


class PlausibleSegmentsMixin:
    """Tables of customers by segments for a `SegmentationModel` with `reject_alpha`."""

    def segment_typicality(self, customers):
        """How usual each customer would be in each of the segments.

        Parameters
        ----------
        customers : frame or array-like of shape (n_customers, n_columns)
            With the descriptor columns.

        Returns
        -------
        typicality : DataFrame of shape (n_customers, n_segments)
            In the order of the customers; polars for polars, else pandas, with the
            customers' index. One column a segment, named by its id (as text in polars):
            the p-value of the distance to the segment, among the calibration customers
            whom the segmenter puts in it. With `split_by`, 0 for segments of other
            types.

        Raises
        ------
        ValueError
            If the model was fitted without `reject_alpha`.

        Notes
        -----
        Of the customers whom the segmenter would put in a segment, at most a share
        ``alpha`` have a p-value up to ``alpha`` in it, on average, whatever their
        distribution: each segment by itself has the guarantee that `typicality` has
        over all. The smallest possible p-value in a segment is 1 over one more than its
        ``calibration_sizes_``.
        """
        return self._by_segment(customers, self._segment_p_values(customers))

    def plausible_segments(self, customers, alpha=None):
        """Segments that cannot be ruled out for each customer.

        Parameters
        ----------
        customers : frame or array-like of shape (n_customers, n_columns)
            With the descriptor columns.
        alpha : float in (0, 1), default=None
            A segment is ruled out if the customer's p-value in it is at most `alpha`;
            None takes `reject_alpha` as it was in `fit`.

        Returns
        -------
        plausible : DataFrame of bool of shape (n_customers, n_segments)
            Shaped as that of `segment_typicality`. A row may have several segments, or
            none; with `split_by`, none of another type.

        Raises
        ------
        ValueError
            If the model was fitted without `reject_alpha`, or `alpha` is out of range.

        Warns
        -----
        SegmentWarning
            If a segment has fewer than ``1 / alpha - 1`` calibration customers
            (``calibration_sizes_``), so that it is ruled out for nobody.

        Notes
        -----
        A customer's own segment, as the segmenter would say, is among the plausible
        ones with probability at least ``1 - alpha``, in each segment. That makes a
        customer with no plausible segment rarer than `alpha`: `predict` rejects by the
        nearest segment instead, whose share of members rejected is `reject_alpha` as
        nearly as can be.
        """
        p_values = self._segment_p_values(customers)
        alpha = self._route.reject_alpha if alpha is None else alpha
        if not isinstance(alpha, Real) or not 0 < alpha < 1:
            raise ValueError(
                f"alpha must be above 0 and below 1. Got {alpha!r} instead. Leave it "
                "out to take reject_alpha."
            )
        self._warn_of_few(alpha)
        return self._by_segment(customers, p_values > alpha)

    def _segment_p_values(self, customers):
        check_is_fitted(self)
        X = as_table(customers)
        if self.n_calibration_ == 0:
            raise ValueError(
                "Typicality must be calibrated in fit. Got a model without instead. "
                "Fit it with reject_alpha=0.05, for example."
            )
        return self._route.segment_p_values(X)

    def _warn_of_few(self, alpha):
        sizes = self.calibration_sizes_
        few = np.flatnonzero((sizes + 1) * alpha < 1)
        if len(few):
            counts = ", ".join(f"{self.segment_ids_[k]} ({sizes[k]})" for k in few)
            warnings.warn(
                f"At alpha={alpha:g} a segment must have at least "
                f"{int(np.ceil(1 / alpha)) - 1} calibration customers to be ruled out "
                f"for anyone. Got fewer in segments {counts} instead, which are "
                "plausible for everyone. Raise alpha or fit with more customers.",
                SegmentWarning,
                stacklevel=3,
            )

    def _by_segment(self, customers, cells):
        ids = self.segment_ids_.tolist()
        frame = as_frame(customers)
        if frame is not None and frame.implementation.is_polars():
            columns = dict(zip(map(str, ids), cells.T, strict=True))
            return nw.get_native_namespace(frame).DataFrame(columns)
        index = customers.index if isinstance(customers, pd.DataFrame) else None
        return pd.DataFrame(cells, index=index, columns=ids)
