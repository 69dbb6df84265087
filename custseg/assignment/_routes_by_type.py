"""A route for each type of customers, in one space of ids."""

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from custseg._utils._frames import rows_at
from custseg._utils._seeds import draw_seed
from custseg.assignment._answers import NO_ANSWERS, SegmentAnswers, as_shares, codes_of
from custseg.assignment._identity import (
    Numbering,
    Unused,
    match_of,
    match_of_all,
)
from custseg.assignment._model_columns import ModelColumns, positions_by_type
from custseg.assignment._route import Assigned, Route, asked_of, learn_route
from custseg.cluster import ids_of
from custseg.exceptions import DataQualityError, DegenerateFitError, SchemaError


@dataclass(frozen=True, eq=False)
class RoutesByType:
    """Routes of customer types, asked as one `Route` is.

    Attributes
    ----------
    split_by : str
        Column with the types.
    by_type : dict of Route
        Types ascending.
    columns : ModelColumns
    numbering : Numbering
        Ids as the segmenters number them, those of one type after the other.
    often_missing, asked
        As a `Route` has them, of all customers.
    """

    split_by: str
    by_type: dict
    columns: ModelColumns
    numbering: Numbering
    asked: list | None
    often_missing: np.ndarray

    segmenter = assigner = None
    ids, descriptors = Route.ids, Route.descriptors

    @property
    def all_answering(self):
        """What answers for new customers of each type."""
        return [route.answering for route in self.by_type.values()]

    @property
    def reject_alpha(self):
        """As it was when the routes were learned."""
        return next(iter(self.by_type.values())).reject_alpha

    @property
    def n_calibration(self):
        """Customers that calibrate typicality."""
        return sum(route.n_calibration for route in self.by_type.values())

    sizes = property(lambda self: self._in_order("sizes"))
    known_sizes = property(lambda self: self._in_order("known_sizes"))
    calibration_sizes = property(lambda self: self._in_order("calibration_sizes"))

    def _in_order(self, name):
        """Put together figures of segments, in the order of the ids."""
        routes = self.by_type.values()
        ids = np.concatenate([route.ids for route in routes])
        return np.concatenate([getattr(one, name) for one in routes])[np.argsort(ids)]

    def parts(self, X):
        """Return the customer type, rows and route of each part of the customers."""
        positions = positions_by_type(X, self.split_by)
        _check_types(positions, self.by_type, self.split_by)
        return [(kind, rows, self.by_type[kind]) for kind, rows in positions.items()]

    def _each(self, X, ask):
        """Yield each type's rows, its segments' places, and what its route says."""
        for _, rows, route in self.parts(X):
            yield (
                rows,
                np.searchsorted(self.ids, route.ids),
                ask(route, rows_at(X, rows)),
            )

    def _table(self, X, ask):
        """Return one column per segment; zero for segments of other types."""
        whole = np.zeros((len(X), len(self.ids)))
        for rows, columns, found in self._each(X, ask):
            whole[np.ix_(rows, columns)] = found
        return whole

    def segments(self, X):
        """Return what `SegmentationModel.predict` says."""
        labels = np.full(len(X), -1)
        for rows, _, found in self._each(X, Route.segments):
            labels[rows] = found
        return labels

    def probabilities(self, X):
        """Return what `SegmentationModel.predict_proba` says."""
        return self._table(X, Route.probabilities)

    def segment_p_values(self, X):
        """Return the typicality in each segment; zero in those of other types."""
        return self._table(X, Route.segment_p_values)

    def assigned(self, X):
        """Return all that `SegmentationModel.assign` needs to know."""
        n, nothing = len(X), np.full(len(X), np.nan)
        table = np.zeros((n, len(self.ids)))
        whole = Assigned(np.full(n, -1), np.full(n, -1), table, nothing, nothing.copy())
        for rows, columns, part in self._each(X, Route.assigned):
            for name in ("likeliest", "segment", "typicality", "margin"):
                getattr(whole, name)[rows] = getattr(part, name)
            if np.isnan(part.probabilities).any():
                table[rows] = np.nan
            table[np.ix_(rows, columns)] = part.probabilities
        return whole

    def answers(self, X, names):
        """Return what the segmenters say; types have no common space to measure in."""
        codes = np.full(len(X), -1)
        ask = partial(Route.answers, names=names)
        for rows, columns, found in self._each(X, ask):
            codes[rows] = ids_of(found.codes, columns)
        ids = self.ids
        return SegmentAnswers(codes, ids, names, as_shares(self.known_sizes, len(ids)))

    def answers_of_type(self, kind, X, names):
        """Return what one type's route says; no codes where there are no customers."""
        route = self.by_type.get(kind)
        if route is None:
            return NO_ANSWERS
        if len(X):
            return route.answers(X, names)
        own = {one: names[one] for one in route.ids.tolist()}
        return NO_ANSWERS._replace(ids=route.ids, names=own)


def learn_routes_by_type(model, X, columns, former, min_jaccard):
    """Learn a route per type; each goes on where the ids of the last have ended.

    Parameters
    ----------
    model : SegmentationModel
        Read for its parameters alone.
    X : frame
    columns : ModelColumns
    former : fitted SegmentationModel or None
        Whose segments keep their ids and names.
    min_jaccard : float or None

    Returns
    -------
    routes : RoutesByType
    labels : ndarray of shape (n_customers,)
    positions : dict of ndarray
        Rows of each type.
    """
    columns = columns.named(X)
    descriptors = columns.candidates(X)
    positions = positions_by_type(X, model.split_by)
    names, next_id, before = {}, 0, _no_answers
    if former is not None:
        names, next_id = dict(former.segment_names_), former._route.numbering.next_id
        before = partial(former._route.answers_of_type, names=former.segment_names_)
    seeds = check_random_state(model.random_state)
    routes, matches, labels = {}, [], np.full(len(X), -1)
    for kind, rows in positions.items():
        seed = model.random_state
        if not (seed is None or isinstance(seed, Integral)):
            seed = draw_seed(seeds)
        with _errors_name_the_type(kind, len(rows), model.split_by):
            of_type = rows_at(X, rows)
            old = before(kind, of_type)
            own = old.ids.tolist()
            taken = tuple(name for one, name in names.items() if one not in own)
            routes[kind], labels[rows] = learn_route(
                model,
                of_type,
                columns,
                old=old if own else None,
                min_jaccard=min_jaccard,
                unused=Unused(next_id, f"{kind}: ", taken),
                random_state=seed,
            )
        numbered = routes[kind].numbering
        next_id = numbered.next_id
        names.update(numbered.names)
        matches.append(numbered.match or _born(routes[kind], labels[rows]))
    if former is not None:
        gone = [kind for kind in former._route.by_type if kind not in routes]
        matches += [match_of(before(kind, X[:0]), NO_ANSWERS) for kind in gone]
    ids = np.concatenate([route.numbering.ids for route in routes.values()])
    names = {k: names[k] for k in sorted(ids.tolist())}
    match = None if former is None else match_of_all(matches)
    numbering = Numbering(ids, names, next_id, match)
    asked = asked_of([route.assigner for route in routes.values()], descriptors)
    by_type = RoutesByType(model.split_by, routes, columns, numbering, *asked)
    return by_type, labels, positions


def _no_answers(kind, X):
    return NO_ANSWERS


def _born(route, labels):
    """Return a match by which all segments of a type are new."""
    codes, names = codes_of(labels, route.ids), route.numbering.names
    return match_of(NO_ANSWERS, SegmentAnswers(codes, route.ids, names))


def _check_types(positions, known, split_by):
    """Refuse customers of types that no segments were learned for."""
    unseen = [positions[kind] for kind in positions if kind not in known]
    if unseen:
        rows = np.sort(np.concatenate(unseen))
        raise DataQualityError(
            f"Column {split_by!r} must have types that the model was fitted on: "
            f"{', '.join(map(repr, known))}. Got {len(unseen)} others in {len(rows)} "
            f"rows (first: row {rows[0]}) instead. Correct them, leave these customers "
            "out, or fit again with customers of all types."
        )


@contextmanager
def _errors_name_the_type(kind, n_customers, split_by):
    """Say for which customers a fit has failed."""
    try:
        yield
    except ValueError as error:
        ours = (SchemaError, DataQualityError, DegenerateFitError)
        known = type(error) if isinstance(error, ours) else ValueError
        customers = "customer" if n_customers == 1 else "customers"
        raise known(
            f"Segments of type {kind!r} in column {split_by!r} could not be learned "
            f"from its {n_customers} {customers}: {error}"
        ) from error
