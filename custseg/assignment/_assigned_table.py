"""The answers of a segmentation model as a table that says how sure they are."""

import numpy as np

from custseg._sklearn import check_is_fitted
from custseg.assignment._identity import NONE_OF_THE_ABOVE
from custseg.assignment._model_columns import (
    answers_table,
    as_table,
    check_margin,
    near_border,
    warn_of_customers,
)
from custseg.assignment._overrides import chosen_by_people


class AssignedTableMixin:
    """Give a model with a route the method `assign`."""

    def assign(self, customers, *, border_margin=0.2):
        """Assign customers and say how sure the answer is.

        Parameters
        ----------
        customers : frame or array-like of shape (n_customers, n_columns)
            With the descriptor columns and, where the model has one, the id column.
        border_margin : float in [0, 1], default=0.2
            Margin below which a customer is near a border; see Notes.

        Returns
        -------
        assigned : DataFrame of shape (n_customers, 7)
            In the order of the customers; polars for polars, else pandas, with the
            customers' index:

            - ``customer_id``: not there if the model has none;
            - ``segment``: -1 for none of the above;
            - ``segment_name``;
            - ``probability`` of that segment, or of the most probable one where the
              answer is -1. NaN for all customers if the model has no
              `predict_proba`: a segmenter that answers alone mostly has none;
            - ``typicality``: p-value of the distance to the nearest segment. NaN for
              all customers without `reject_alpha`;
            - ``near_border``: whether the model nearly named another segment, also
              where it says -1 or was overridden. Missing for all customers where
              nothing measures it;
            - ``override``: reason of the person who chose the segment, which is then
              that person's, as its name and probability are; missing for other
              customers. Not there if the model has no `customer_id`.

        Raises
        ------
        SchemaError
            If a column is missing.
        DataQualityError
            If customers' types are missing, or were not there in `fit`.
        ValueError
            If `border_margin` is out of range.

        Warns
        -----
        SegmentWarning
            If customers come without a descriptor that at most one in a hundred
            training customers lacked, or without any, which transformers fill (with a
            median, say) without a word; or if ids are missing or repeat.

        Notes
        -----
        The margin is the probability of the answer less that of the likeliest other
        segment. Where nothing has `predict_proba` but the segmenter answers by centres
        or prototypes, it is ``(d2 - d1) / (d1 + d2)`` of the distances to the answer's
        nearest one and to the nearest one of another segment: one less the shadow value
        of Leisch (2010), and the margin of memberships that are as 1 / distance. At .2
        the customer is over two thirds as far from the answer as from the other.
        Nothing measures it where other segmenters, or an assigner without
        `predict_proba`, answer.
        """
        check_margin(border_margin)
        check_is_fitted(self)
        customers, route = as_table(customers), self._route
        assigned = route.assigned(customers)
        segment, shown = assigned.segment, assigned.likeliest
        by_people = {}
        if self.customer_id is not None:
            reasons = np.full(len(segment), None)
            positions, chosen = chosen_by_people(
                customers, self.customer_id, self._overrides
            )
            if positions:
                segment, shown = segment.copy(), shown.copy()
                segment[positions] = [override.segment for override in chosen]
                shown[positions] = segment[positions]
                reasons[positions] = [override.reason for override in chosen]
            by_people["override"] = reasons
        columns = np.searchsorted(self.segment_ids_, shown)
        warn_of_customers(
            customers,
            route.descriptors(customers),
            route.often_missing,
            self.customer_id,
        )
        names = {**self.segment_names_, -1: NONE_OF_THE_ABOVE}
        return answers_table(
            customers,
            self.customer_id,
            segment=segment,
            segment_name=[names[one] for one in segment.tolist()],
            probability=assigned.probabilities[np.arange(len(columns)), columns],
            typicality=assigned.typicality,
            near_border=near_border(assigned.margin, border_margin),
            **by_people,
        )
