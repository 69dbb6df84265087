"""A model for each type of customers, in one space of ids."""

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from custseg._utils._frames import rows_at
from custseg._utils._seeds import draw_seed
from custseg.assignment._identity import match_by_type
from custseg.assignment._numbering import Unused
from custseg.assignment._types import (
    check_types,
    errors_name_the_type,
    positions_by_type,
)


def positions_of_known_types(model, X):
    """Return the rows of each type that a fitted model knows, or refuse others."""
    positions = positions_by_type(X, model._fitted_split_by)
    check_types(positions, model.models_, model._fitted_split_by)
    return positions


class SplitMixin:
    """How a `SegmentationModel` deals with types of customers."""

    @property
    def _is_split(self):
        """Whether the fitted model has a model a type."""
        return hasattr(self, "models_")

    def _check_split_is_as_fitted(self):
        if self.split_by != self._fitted_split_by:
            raise ValueError(
                "split_by must be as it was in fit for segments to keep their ids. Got "
                f"{self.split_by!r} after {self._fitted_split_by!r} instead. "
                "Call fit of a clone."
            )

    def _fit_each(self, X, former, min_jaccard):
        """Fit a model a type; each goes on where the ids of the last have ended."""
        positions = positions_by_type(X, self.split_by)
        known = {} if former is None else former.models_
        names = {} if former is None else dict(former.segment_names_)
        next_id = 0 if former is None else former._next_id
        seeds = check_random_state(self.random_state)
        models = {}
        for kind, rows in positions.items():
            of_type = known.get(kind)
            own = set() if of_type is None else set(of_type.segment_ids_.tolist())
            taken = tuple(name for one, name in names.items() if one not in own)
            model = models[kind] = self._model_of_type(X, seeds)
            with errors_name_the_type(kind, len(rows), self.split_by):
                model._fit(
                    rows_at(X, rows),
                    of_type,
                    min_jaccard,
                    Unused(next_id, f"{kind}: ", taken),
                )
            next_id = model._next_id
            names.update(model.segment_names_)
        self.models_, self._next_id = models, next_id
        self.match_ = None
        if former is not None:
            self.match_ = match_by_type(known, models)
        return self._keep_each(positions)

    def _model_of_type(self, X, seeds):
        seed = self.random_state
        if not (seed is None or isinstance(seed, Integral)):
            seed = draw_seed(seeds)
        basis = self.basis
        if basis is None:
            basis = list(self._basis(X).columns)
        parameters = {"basis": basis, "split_by": None, "random_state": seed}
        return clone(self).set_params(**parameters)

    def _keep_each(self, positions):
        """Take over what was learned of all types."""
        models = list(self.models_.values())
        self.segmenter_ = self.assigner_ = None
        self._fitted_split_by = self.split_by
        self.segmenter_ids_ = np.concatenate([m.segmenter_ids_ for m in models])
        ids = np.concatenate([model.segment_ids_ for model in models])
        in_order = np.argsort(ids)
        self.segment_ids_, self.n_segments_ = ids[in_order], len(ids)
        for name in ("segment_sizes_", "_known_sizes", "calibration_sizes_"):
            of_all = np.concatenate([getattr(model, name) for model in models])
            setattr(self, name, of_all[in_order])
        names = {k: v for model in models for k, v in model.segment_names_.items()}
        self.segment_names_ = dict(sorted(names.items()))
        self.n_calibration_ = sum(model.n_calibration_ for model in models)
        self.labels_ = np.full(sum(map(len, positions.values())), -1)
        for model, rows in zip(models, positions.values(), strict=True):
            self.labels_[rows] = model.labels_
        return self

    def _name_each(self):
        """Let the models of the types have their segments' names."""
        for model in getattr(self, "models_", {}).values():
            names = self.segment_names_
            model.segment_names_ = {k: names[k] for k in model.segment_names_}

    def _ask_each(self, X, ask):
        """Yield each type's rows, its segments' positions, and what its model says."""
        for kind, rows in positions_of_known_types(self, X).items():
            model = self.models_[kind]
            columns = np.searchsorted(self.segment_ids_, model.segment_ids_)
            yield rows, columns, ask(model, rows_at(X, rows))
