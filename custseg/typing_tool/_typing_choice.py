"""Which few questions tell segments best, asked of customers without part in it."""

from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np

from custseg.assignment import (
    fold_rows,
    moments_of,
    partial_wilks,
    spread_evenly,
    sweep,
)
from custseg.engine import segment_products

# Questions that are asked of held-out customers at each step, best by Wilks' lambda.
_TRIED, _TRIED_IN_EXCHANGE = 20, 6
_MOST_EXCHANGES = 20
_TOLERANCE = 1e-3  # of a question's variance, which the others must leave
_FLAT = 1e-10  # variance of a column in which segments alone differ
_GAIN = 1e-12


class HeldOut(NamedTuple):
    """Customers of one fold who are asked."""

    rows: np.ndarray  # positions among all customers
    X: np.ndarray  # (n_held_out, n_features), columns contiguous
    codes: np.ndarray
    weights: np.ndarray


class Round(NamedTuple):
    """What was learned from some folds, and the customers of another who are asked."""

    learned: object  # LearnedQuestions
    asked: HeldOut


class LearnedQuestions(NamedTuple):
    """Linear discriminants of any columns, from moments."""

    moments: object  # Moments
    within: np.ndarray  # (n_features, n_features)
    total: np.ndarray
    log_priors: np.ndarray  # (n_segments,), -inf for a segment without customers
    varying: np.ndarray  # (n_features,), bool: no constant column

    @classmethod
    def of(cls, moments, priors):
        """Prepare moments; `priors` is None for the shares of their customers."""
        within, between = moments.within_scatter(), moments.between_scatter()
        flat = np.diag(within) <= 0
        varying = ~flat | (np.diag(between) > 0)
        within[flat, flat] = _FLAT * moments.weights.sum()
        priors = moments.weights if priors is None else priors
        with np.errstate(divide="ignore"):
            log_priors = np.log(np.where(moments.weights > 0, priors / priors.sum(), 0))
        return cls(moments, within, within + between, log_priors, varying)

    def scores(self, X, columns):
        """Scores of customers by some columns, one column a segment."""
        moments = self.moments
        means = moments.standardized_means()[:, columns]
        present = np.count_nonzero(moments.weights)
        n_free = max(moments.weights.sum() - present, 1)
        covariance = self.within[np.ix_(columns, columns)] / n_free
        coefficients = _solved(covariance, means.T)
        constants = self.log_priors - np.einsum("ij,ji->i", means, coefficients) / 2
        coefficients /= moments.scale[columns, np.newaxis]
        constants -= moments.center[columns] @ coefficients
        return X[:, columns] @ coefficients + constants


def _solved(covariance, differences):
    """Solve, where customers are too few to vary in all directions by least squares."""
    try:
        return np.linalg.solve(covariance, differences)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(covariance, differences, rcond=None)[0]


class Path(NamedTuple):
    """The best questions found, for one question, for two, and so on."""

    columns: list  # of tuple of int
    accuracies: list  # by which they were chosen


class Budget(NamedTuple):
    """What questions may cost."""

    costs: np.ndarray  # (n_features,)
    most: float
    most_questions: int


class Evidence:
    """Customers dealt to folds, summed once.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    codes : ndarray of shape (n_customers,)
    n_segments : int
    weights : ndarray of shape (n_customers,) or None
    priors : ndarray of shape (n_segments,) or None
        None for the shares of the customers learned from.
    n_folds : int
    """

    def __init__(self, X, codes, n_segments, weights, priors, n_folds):
        folds = fold_rows(codes, n_segments, n_folds)
        self.n_folds, self._priors = len(folds), priors
        self._products = [
            segment_products(
                X[rows],
                codes[rows],
                n_segments,
                None if weights is None else weights[rows],
                pooled=True,
            )
            for rows in folds
        ]
        self.held_out = []
        for rows in map(spread_evenly, folds):
            counted = np.ones(len(rows)) if weights is None else weights[rows]
            of_fold = np.asfortranarray(X[rows])
            self.held_out.append(HeldOut(rows, of_fold, codes[rows], counted))

    def learned_without(self, *folds):
        """Learn from all folds but some."""
        kept = [p for i, p in enumerate(self._products) if i not in folds]
        return LearnedQuestions.of(moments_of(reduce(add, kept)), self._priors)

    def rounds(self, *without):
        """Each fold in turn is asked by what the others tell, some left out."""
        return [
            Round(self.learned_without(fold, *without), held_out)
            for fold, held_out in enumerate(self.held_out)
            if fold not in without
        ]

    def path(self, budget, *without):
        """Choose questions, with some folds left out of everything."""
        learned = self.learned_without(*without)
        return choose_path(learned, self.rounds(*without), budget)


def accuracy_of(rounds, columns):
    """Weighted share of asked customers who get their segment."""
    right = total = 0.0
    for learned, asked in rounds:
        codes = learned.scores(asked.X, columns).argmax(axis=1)
        right += asked.weights[codes == asked.codes].sum()
        total += asked.weights.sum()
    return right / total


def brier_of(rounds, columns):
    """Mean squared difference between probabilities and segments."""
    loss = total = 0.0
    for learned, asked in rounds:
        scores = learned.scores(asked.X, columns)
        probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        probabilities[np.arange(len(scores)), asked.codes] -= 1
        loss += asked.weights @ np.square(probabilities).sum(axis=1)
        total += asked.weights.sum()
    return loss / total


def choose_path(learned, rounds, budget):
    """Add the question that helps most, then exchange questions while that helps.

    Parameters
    ----------
    learned : LearnedQuestions
        From all customers that questions may be chosen by.
    rounds : list of Round
        Of the same customers.
    budget : Budget

    Returns
    -------
    path : Path
        Empty if no question can be had.
    """
    path, chosen, accuracy = Path([], []), [], 0.0
    while len(chosen) < budget.most_questions:
        found = _best_added(learned, rounds, chosen, accuracy, budget)
        if found is None:
            break
        column, accuracy = found
        chosen = [*chosen, column]
        for _ in range(_MOST_EXCHANGES):
            found = _best_exchange(learned, rounds, chosen, accuracy, budget)
            if found is None:
                break
            chosen, accuracy = found
        path.columns.append(tuple(chosen))
        path.accuracies.append(accuracy)
    return path


def _best_added(learned, rounds, chosen, accuracy, budget):
    """Question with the largest gain for its cost, and the accuracy with it."""
    left = budget.most - budget.costs[chosen].sum()
    tried = _promising(learned, chosen, left, budget.costs)[:_TRIED]
    if not len(tried):
        return None
    found = np.array([accuracy_of(rounds, [*chosen, column]) for column in tried])
    worth = found - accuracy
    if worth.max() > 0:
        worth = worth / budget.costs[tried]
    ties = np.flatnonzero(worth >= worth.max() - _GAIN)
    best = ties[0]
    if len(ties) > 1:
        losses = [brier_of(rounds, [*chosen, tried[i]]) for i in ties]
        best = ties[int(np.argmin(losses))]
    return int(tried[best]), float(found[best])


def _best_exchange(learned, rounds, chosen, accuracy, budget):
    """Exchange of one question for another that gains most, or None."""
    best = None
    if len(chosen) < 2:
        return None
    for place, taken in enumerate(chosen):
        others = [column for column in chosen if column != taken]
        left = budget.most - budget.costs[others].sum()
        tried = _promising(learned, others, left, budget.costs)
        for given in [int(one) for one in tried if one != taken][:_TRIED_IN_EXCHANGE]:
            columns = [*chosen]
            columns[place] = given
            found = accuracy_of(rounds, columns)
            if found > accuracy + _GAIN:
                accuracy, best = found, (columns, float(found))
    return best


def _promising(learned, chosen, left, costs):
    """Questions that can be had beside others, lowest Wilks' lambda first."""
    within, total = learned.within, learned.total
    variances = np.diag(within)
    for column in chosen:
        within, total = sweep(within, column), sweep(total, column)
    swept = np.full(len(variances), False)
    swept[chosen] = True
    wilks = partial_wilks(within, total, swept)
    allowed = learned.varying & ~swept & ~np.isnan(wilks) & (costs <= left * (1 + 1e-9))
    allowed &= np.diag(within) > _TOLERANCE * variances
    order = np.argsort(np.where(allowed, wilks, np.inf), kind="stable")
    return order[: np.count_nonzero(allowed)]
