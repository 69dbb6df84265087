"""How often a typing tool is right about customers without part in choosing it."""

from typing import NamedTuple

import numpy as np
import pandas as pd


class Honest(NamedTuple):
    """Answers about customers without part in the choice of questions."""

    rows: np.ndarray  # positions among all customers
    codes: np.ndarray  # (n_asked, n_numbers of questions)
    weights: np.ndarray
    folds: np.ndarray  # that the customer was dealt to

    def curve(self, truth, kept=slice(None)):
        """Accuracy by the number of questions, and its standard error.

        Parameters
        ----------
        truth : ndarray of shape (n_customers,)
            Codes of the segments of all customers.
        kept : ndarray of shape (n_asked,), bool, default=slice(None)
            Customers who count.

        Returns
        -------
        accuracies, errors : ndarray of shape (n_numbers,)
        """
        right = self.codes[kept] == truth[self.rows[kept], np.newaxis]
        weights = self.weights[kept]
        accuracies = weights @ right / weights.sum()
        spread = weights[:, np.newaxis] * (right - accuracies)
        return accuracies, np.sqrt(np.square(spread).sum(axis=0)) / weights.sum()

    def with_number_chosen(self, truth, wanted):
        """Take for each fold the number of questions that the others choose.

        The best of several numbers reaches more on the customers by whom it was found
        best, as the best of several questions does.

        Parameters
        ----------
        truth : ndarray of shape (n_customers,)
        wanted : float or None
            As in `place_of_number`.

        Returns
        -------
        honest : Honest
            With one column of codes.
        """
        found = np.empty(len(self.rows), dtype=self.codes.dtype)
        for fold in np.unique(self.folds):
            of_fold = self.folds == fold
            place = place_of_number(*self.curve(truth, ~of_fold), wanted)
            found[of_fold] = self.codes[of_fold, place]
        return self._replace(codes=found[:, np.newaxis])


def asked_without(evidence, budget, n_numbers):
    """Ask each fold the questions that are chosen without it."""
    answers = []
    for fold, held_out in enumerate(evidence.held_out):
        learned, path = evidence.learned_without(fold), evidence.path(budget, fold)
        found = [
            learned.scores(held_out.X, list(columns)).argmax(axis=1)
            for columns in path.columns or [()]
        ]
        found += found[-1:] * (n_numbers - len(found))
        codes, folds = np.array(found[:n_numbers]).T, np.full(len(held_out.rows), fold)
        answers.append((held_out.rows, codes, held_out.weights, folds))
    return Honest(*map(np.concatenate, zip(*answers, strict=True)))


def place_of_number(accuracies, errors, wanted):
    """Place on the curve of the number of questions that is taken.

    Parameters
    ----------
    accuracies, errors : ndarray of shape (n_numbers,)
    wanted : float or None
        Accuracy that is enough. None is one standard error below the highest.

    Returns
    -------
    place : int
        Of the fewest that reach it, or of the best if none does.
    """
    best = int(accuracies.argmax())
    enough = accuracies[best] - errors[best] if wanted is None else wanted
    reached = np.flatnonzero(accuracies >= enough)
    return int(reached[0]) if len(reached) else best


def table_of_recall(segments, shares, truth, found, weights):
    """Recall and precision of each segment among the customers who were asked."""
    n_segments = len(segments)
    counts = np.zeros((n_segments, n_segments))
    np.add.at(counts, (truth, found), weights)
    right = np.diag(counts)
    asked, given = counts.sum(axis=1), counts.sum(axis=0)
    return pd.DataFrame(
        {
            "segment": segments,
            "customers": shares,
            "asked": asked,
            "recall": np.where(asked > 0, right / np.maximum(asked, 1e-300), np.nan),
            "precision": np.where(given > 0, right / np.maximum(given, 1e-300), np.nan),
        }
    )
