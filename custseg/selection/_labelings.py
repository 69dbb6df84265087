"""Labels of customers as codes and totals of segments."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from custseg.exceptions import DataQualityError

_LIGHTEST = 10  # segment with weights that are no whole numbers


class Labeling(NamedTuple):
    """Labels as numbers from 0, -1 for none, and the weight of each segment."""

    code: np.ndarray  # (n_customers,)
    totals: np.ndarray  # (n_segments,)

    def problem(self):
        """Say what keeps this labeling from having silhouettes, or None."""
        n_placed = np.count_nonzero(self.code >= 0)
        if len(self.totals) >= 2 and len(self.totals) < self.totals.sum():
            return None
        return (
            "A silhouette must have two segments or more, and fewer than customers. "
            f"Got {len(self.totals)} segments of {n_placed} customers instead. Compare "
            "labelings with at least two segments."
        )


def encoded(labels, n_customers, weights=None):
    """Return labels as a `Labeling`; customers of weight zero are in no segment."""
    given, labels = labels, np.asarray(labels)
    if labels.dtype.kind in "US":  # a list of words in which -1 became one of them
        labels = np.asarray(given, dtype=object)
    if labels.shape != (n_customers,):
        raise ValueError(
            f"labels must have one label a customer, shape ({n_customers},). Got shape "
            f"{labels.shape} instead. Give the labels of the rows of X."
        )
    n_missing = int(pd.isna(labels).sum())
    if n_missing:
        raise DataQualityError(
            f"labels must not be missing. Got {n_missing} missing labels instead. Mark "
            "customers without a segment by -1."
        )
    placed = labels != -1
    if weights is not None:
        placed &= weights > 0
    segments, of_placed = np.unique(labels[placed], return_inverse=True)
    code = np.full(n_customers, -1, dtype=np.min_scalar_type(-max(len(segments), 2)))
    code[placed] = of_placed
    counts = np.bincount(of_placed, minlength=len(segments))
    if weights is None:
        return Labeling(code, counts)
    totals = np.bincount(of_placed, weights[placed], minlength=len(segments))
    if (weights % 1).any():
        n_light = np.count_nonzero(totals < _LIGHTEST)
        if n_light:
            raise DataQualityError(
                "sample_weight must count customers: whole numbers, or weights that "
                f"sum to {_LIGHTEST} or more in each segment. Got {n_light} lighter "
                "segments instead. Divide the weights by their mean, and leave out "
                "smaller segments."
            )
    return Labeling(code, totals)
