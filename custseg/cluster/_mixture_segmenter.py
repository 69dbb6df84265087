"""What segmenters that fit a mixture share."""

import warnings
from functools import partial

import numpy as np
from sklearn.utils import check_random_state

from custseg._sklearn import check_is_fitted, check_weights
from custseg.cluster._em import memberships_in_place
from custseg.cluster._merging import merge_by_entropy
from custseg.cluster._mixture_starts import Settings, learn
from custseg.cluster._segmenter import SegmenterMixin, canonical_order
from custseg.engine import ArraySource, Statistic
from custseg.exceptions import SegmentWarning

_NUMBERS = 2**16  # logarithms of a block of customers


class MixtureSegmenterMixin(SegmenterMixin):
    """Answers of a fitted mixture, and the figures that all mixtures report.

    A subclass has ``_read(X)``, which gives a tuple of arrays with a column per
    customer, and ``_joint()``: what gives, for a block of these arrays, the logarithm
    of the joint density with each component, ndarray of shape (n_components, n_rows),
    with noise last if there is any. Components come in the order of their segments.
    """

    def predict(self, X):
        """Give each customer the most probable segment.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        labels : ndarray of shape (n_customers,)
            -1 where noise is the most probable, if there is noise.
        """
        return self._answers(self._read_new(X), segments_of)

    def predict_proba(self, X):
        """Probability of each segment for each customer.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_customers, n_segments)
            Rows sum to one, with noise as well: then they are for a customer who is
            in a segment.
        """
        return self._answers(self._read_new(X), _probabilities)

    def score_samples(self, X):
        """Log-likelihood of each customer.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        log_likelihoods : ndarray of shape (n_customers,)
            Logarithm of the mixture's density. Low values are unusual customers.
        """
        return self._answers(self._read_new(X), _log_likelihoods)

    def score(self, X, y=None, sample_weight=None):
        """Mean log-likelihood per customer.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.
        y : None
            Ignored; here for scikit-learn's sake.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more.

        Returns
        -------
        score : float
            The larger, the better the mixture describes these customers.
        """
        of_each = self.score_samples(X)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, of_each)
        return float(np.average(of_each, weights=sample_weight))

    # -- learning ----------------------------------------------------------------------

    def _weights(self, sample_weight, n_customers):
        """Return weights as the likelihood takes them, and how many customers.

        As sampling weights they have a mean of one over customers who count.
        """
        if sample_weight is None:
            return None, float(n_customers)
        if self.weights == "frequency":
            return sample_weight, float(sample_weight.sum())
        present = np.count_nonzero(sample_weight)
        return sample_weight * (present / sample_weight.sum()), float(present)

    def _distinct(self, table, weights):
        """Rows of customers of whom no two are the same, in ascending order.

        Where starts are run on all customers, what is learned from these rows depends
        neither on the order of customers nor on whether equal ones are repeated or
        have a weight.

        Parameters
        ----------
        table : ndarray of shape (n_customers, any)
        weights : ndarray of shape (n_customers,) or None

        Returns
        -------
        rows : ndarray of int or slice
            All customers as a slice, if starts are run on a draw.
        weights : ndarray of shape (n_rows,) or None
        """
        present = np.arange(len(table)) if weights is None else np.flatnonzero(weights)
        if self.start_size is not None and len(present) > self.start_size:
            return slice(None), weights
        _, first, place = np.unique(
            table[present], axis=0, return_index=True, return_inverse=True
        )
        of_present = None if weights is None else weights[present]
        of_each = np.bincount(place.ravel(), of_present).astype(float)
        return present[first], None if (of_each == 1).all() else of_each

    def _learn(self, mixture_of, X, start_frames, weights):
        settings = Settings(self.n_init, self.start_size, self.max_iter, self.tol)
        rng = check_random_state(self.random_state)
        learned = learn(
            mixture_of, X, start_frames, self.n_components, weights, settings, rng
        )
        self.start_log_likelihoods_ = learned.start_log_likelihoods
        self.regularized_ = learned.regularized
        self.n_iter_ = int(learned.runs.n_iter[0])
        self.converged_ = bool(learned.runs.converged[0])
        if learned.regularized:
            warnings.warn(
                f"A mixture of {self.n_components} components must have some start "
                "in which none shrinks on a few or on identical customers. Got none in "
                f"{len(learned.start_log_likelihoods)} starts instead, so variances "
                "were drawn towards those of all customers. Ask for fewer components, "
                "for simpler ones, or treat columns with few values as levels "
                "(LatentClassSegmenter).",
                SegmentWarning,
                stacklevel=4,
            )
        return learned.runs

    def _set_mixture(self, read, arrange, shares, signs, weights):
        """Give segments their numbers, and find their labels and sizes.

        Parameters
        ----------
        read : tuple of ndarray
            Training customers, as `_read` gives them.
        arrange : callable
            ``arrange(order)`` sets the components' parameters in an order.
        shares : ndarray of shape (n_components,)
        signs : ndarray of shape (n_components, any)
            What tells components of one size apart.
        weights : ndarray of shape (n_customers,) or None
        """
        n_components = len(shares)
        arrange(np.arange(n_components))
        self.component_segments_ = np.arange(n_components)
        merged = self._merged(read, weights)
        of_segment = (merged == np.arange(merged.max() + 1)[:, np.newaxis]) * shares
        signs = of_segment @ signs / of_segment.sum(axis=1, keepdims=True)

        def assign(order):
            place = np.argsort(order)[merged]
            components = np.lexsort((-shares, place))
            arrange(components)
            self.component_segments_ = place[components]
            return self._answers(read, segments_of)

        _, labels, sizes = canonical_order(assign, signs, weights)
        return labels, sizes

    def _merged(self, read, weights):
        """Segment of each component; also sets `entropies_`."""
        n_components = len(self.component_segments_)
        if self.n_segments is None or n_components == 1:
            self.entropies_ = None
            return np.arange(n_components)
        inside = partial(memberships, joint=self._joint(), n_components=n_components)
        merging = merge_by_entropy(inside, read, n_components, weights)
        self.entropies_ = merging.entropies
        if self.n_segments == "auto":
            n_segments = merging.n_distinct
        else:
            n_segments = min(self.n_segments, n_components)
        return merging.segments[n_segments - 1]

    def _set_criteria(self, read, log_likelihood, n_parameters, n_counted, weights):
        """Set the log-likelihood and what is made of it."""
        self.log_likelihood_ = float(log_likelihood)
        self.n_parameters_ = int(n_parameters)
        self.aic_ = 2 * (n_parameters - self.log_likelihood_)
        self.bic_ = float(n_parameters * np.log(n_counted) - 2 * self.log_likelihood_)
        settings = {"joint": self._joint(), "segments": self.component_segments_}
        source = self._source(read, weights)
        certain, uncertain = source.total(_CERTAINTY, **settings)
        self.icl_ = float(self.bic_ - 2 * certain)
        n_segments = self.component_segments_[-1] + 1
        total = read[0].shape[1] if weights is None else weights.sum()
        most = total * np.log(n_segments) if n_segments > 1 else 1.0
        self.relative_entropy_ = float(1 - uncertain / most)

    # -- answering ---------------------------------------------------------------------

    def _read_new(self, X):
        check_is_fitted(self)
        return self._read(X)

    def _source(self, read, *first):
        rows = max(1, _NUMBERS // len(self.component_segments_))
        return ArraySource(*first, *read, rows_per_block=rows, axis=-1)

    def _answers(self, read, function):
        """Apply a function to the joint log densities of all customers, in blocks.

        On no threads of its own, so that `predict` works in a forked process.
        """
        joint, segments = self._joint(), self.component_segments_
        blocks = self._source(read).blocks()
        parts = [function(joint(*rows), segments) for rows in blocks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


# -- of a block of customers: joint log densities, ndarray (n_components, n_rows) ------


def memberships(*columns, joint, n_components):
    """Probability of each component, without noise."""
    scores = joint(*columns)[:n_components]
    memberships_in_place(scores[np.newaxis])
    return scores


def segments_of(scores, segments):
    """Most probable segment, the first of equal ones; -1 for noise."""
    n_components = len(segments)
    if segments[-1] + 1 < n_components:
        scores = np.exp(scores - scores.max(axis=0))
    inside = _by_segment(scores[:n_components], segments)
    codes = inside.argmax(axis=0)
    if len(scores) > n_components:
        codes[scores[-1] > inside.max(axis=0)] = -1
    return codes


def _probabilities(scores, segments):
    scores = scores[: len(segments)]
    memberships_in_place(scores[np.newaxis])
    return _by_segment(scores, segments).T


def _log_likelihoods(scores, segments):
    return memberships_in_place(scores[np.newaxis])[0]


def _by_segment(inside, segments):
    """Add up the components of each segment."""
    if segments[-1] + 1 == len(segments):
        return inside
    starts = np.searchsorted(segments, np.arange(segments[-1] + 1))
    return np.add.reduceat(inside, starts, axis=0)


def _certainty_of_block(weights, *columns, joint, segments):
    """Log probability of each customer's segment, and entropy, summed."""
    shares = _probabilities(joint(*columns), segments).T
    tiny = np.finfo(float).tiny
    certain = np.log(np.maximum(shares.max(axis=0), tiny))
    uncertain = -(shares * np.log(np.maximum(shares, tiny))).sum(axis=0)
    counts = 1 if weights is None else weights
    return np.array([(certain * counts).sum(), (uncertain * counts).sum()])


_CERTAINTY = Statistic(_certainty_of_block)
