"""A typing tool: few questions that find a customer's segment."""

import warnings
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from custseg._sklearn import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_is_fitted,
    fit_context,
    single_threaded,
    validate_data,
)
from custseg._utils._frames import as_frame
from custseg.assignment import (
    check_variation,
    checked_priors,
    fit_gaussians,
    probabilities_of,
    segment_moments,
    taught_customers,
)
from custseg.exceptions import DegenerateFitError, SchemaError, SegmentWarning
from custseg.scoring import Sums, sums_of_answers
from custseg.typing_tool._typing_choice import Budget, Evidence
from custseg.typing_tool._typing_export import TypingToolExports
from custseg.typing_tool._typing_figures import (
    asked_without,
    place_of_number,
    table_of_recall,
)

_CALLER = 6  # frames from a warning to the caller of `fit`


class _AnswerScores(NamedTuple):
    """Scores answers to the questions, in the order of the questions."""

    classes_: np.ndarray
    centers: np.ndarray
    weights: np.ndarray
    constants: np.ndarray

    def scores(self, answers):
        """Scores of the segments, ndarray of shape (n_customers, n_segments)."""
        return sums_of_answers(answers, self.centers, self.weights, self.constants)

    def predict(self, answers):
        """Segment of each customer."""
        codes = self.scores(answers).argmax(axis=1)
        return self.classes_[codes]

    def predict_proba(self, answers):
        """Probability of each segment."""
        return probabilities_of(self.scores(answers))


class TypingTool(
    TypingToolExports, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    """Finds the few questions that tell segments best, and how well they do.

    Segments are learned from many columns; a call centre, a form or a panel can ask
    few. The tool chooses questions under a budget and scores answers by a linear
    discriminant, which can be handed on as JSON, as a spreadsheet or as SQL.

    Parameters
    ----------
    max_questions : int, default=10
        Most questions that may be asked.
    cost : dict, default=None
        Cost of each question, by column name or, without names, by position; a column
        that is not in it costs 1. None: all cost 1.
    max_cost : float, default=None
        Most that the questions together may cost. None: no limit.
    accuracy : float in (0, 1], default=None
        Accuracy that is enough: the fewest questions that reach it on the curve are
        taken. None takes the fewest within one standard error of the curve's highest.
    priors : {"share", "uniform"}, array-like of shape (n_segments,) or dict, \
default="share"
        As in `DiscriminantAssigner`.
    n_folds : int, default=5
        Parts into which customers are dealt to be asked without part in what is
        learned; at least 3.

    Attributes
    ----------
    questions_ : ndarray of shape (n_questions,)
        Names of the columns, or their positions where the table had no names, in the
        order in which they were chosen.
    columns_ : ndarray of int, shape (n_questions,)
        Positions of these columns.
    curve_ : DataFrame
        One row a number of questions: ``n_questions``, ``cost``, ``accuracy`` of the
        whole procedure on customers without part in it, its standard error
        ``accuracy_se``, both for a number that is fixed beforehand;
        ``selected_accuracy`` that the choice went by, which flatters;
        ``questions`` of that number, and whether it was ``chosen``.
    accuracy_, accuracy_se_ : float
        Share of customers who get their segment when questions and their number are
        chosen without them, and its standard error. The curve, by which the number is
        chosen, mostly has more there, above all where there is little to find.
    selected_accuracy_ : float
        What the choice went by.
    largest_share_ : float
        Share of the largest segment: what giving it to everyone would reach.
    segment_recall_ : DataFrame
        One row a segment: its ``customers``, how many of them were ``asked`` without
        part in learning, ``recall`` (the share of these who get it) and ``precision``
        (the share that is right of those who get it).
    cost_ : float
        Of the questions chosen.
    classes_ : ndarray of shape (n_segments,)
        The segments, sorted; -1, which is none, left out where there are two or more
        others.
    priors_ : ndarray of shape (n_segments,)
        Prior probabilities.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    See Also
    --------
    DiscriminantAssigner : Uses all columns, or chooses by tests.
    custseg.plotting.TypingCurveDisplay : Draws the curve.

    Notes
    -----
    The first question is the one by which most held-out customers get their segment.
    Each next one is that which, for its cost, gains most beside those there are; then
    questions are exchanged for others, one at a time, while that gains. What is held
    out are folds, in turn; of many questions those are tried that lower Wilks' lambda
    most.

    The accuracy that the best of many candidates reaches on the customers by whom it
    was found best is too high (Ambroise and McLachlan 2002), and typing tools are sold
    by it. So for ``accuracy`` the whole choice is made again without each fold, and
    the fold is asked the questions chosen without it. For ``accuracy_`` and
    ``segment_recall_`` the number of questions, too, is that which the curve of the
    other folds tells. Up to 4,000 customers of each fold are asked.

    Customers are dealt to folds in turn within each segment, so no chance is in it. A
    weight counts a customer as several in all figures, but deals him to one fold.

    Scores are sums over the answers, question by question in the order chosen; exports
    have the same numbers and add them in the same order, so that no customer changes
    segment by rounding.

    References
    ----------
    Ambroise, C. and McLachlan, G. J. (2002). Selection bias in gene extraction on the
    basis of microarray gene-expression data. Proceedings of the National Academy of
    Sciences 99(10), 6562-6566. https://doi.org/10.1073/pnas.102102699

    Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems.
    Annals of Eugenics 7(2), 179-188.
    https://doi.org/10.1111/j.1469-1809.1936.tb02137.x

    Examples
    --------
    >>> import custseg as cs
    >>> from custseg.datasets import make_customers
    >>> simulated = make_customers(
    ...     600, n_segments=3, separation=3, missing=0, random_state=0
    ... )
    >>> answers = simulated.customers[list(simulated.item_columns)]
    >>> tool = cs.TypingTool(max_questions=4).fit(answers, simulated.truth["segment"])
    >>> len(tool.questions_)
    3
    >>> tool.accuracy_ <= tool.selected_accuracy_
    True
    >>> tool.predict(answers[tool.questions_]).shape
    (600,)
    """

    _parameter_constraints = {
        "max_questions": [Interval(Integral, 1, None, closed="left")],
        "cost": [dict, None],
        "max_cost": [Interval(Real, 0, None, closed="neither"), None],
        "accuracy": [Interval(Real, 0, 1, closed="right"), None],
        "priors": [StrOptions({"share", "uniform"}), "array-like", dict],
        "n_folds": [Interval(Integral, 3, None, closed="left")],
    }

    def __init__(
        self,
        max_questions=10,
        *,
        cost=None,
        max_cost=None,
        accuracy=None,
        priors="share",
        n_folds=5,
    ):
        self.max_questions = max_questions
        self.cost = cost
        self.max_cost = max_cost
        self.accuracy = accuracy
        self.priors = priors
        self.n_folds = n_folds

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Choose the questions, and learn to score their answers.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Candidate questions: numeric columns without missing values.
        y : array-like of shape (n_customers,)
            Segment of each customer; nothing is learned from customers of -1.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more.

        Returns
        -------
        self : TypingTool

        Raises
        ------
        DegenerateFitError
            If there is one segment only, no column varies, or there are too few
            customers to hold some out.
        DataQualityError
            If a weight is negative or all are zero.
        SchemaError
            If `cost` names a column that is not there.
        ValueError
            If a cost is not above zero, or no question can be had for `max_cost`.

        Warns
        -----
        SegmentWarning
            If no number of questions reaches `accuracy`; the best is taken.
        """
        taught = taught_customers(self, X, y, sample_weight)
        self.classes_ = taught.segments
        customers = taught.X, taught.codes, taught.weights
        with single_threaded():
            self._choose(*customers)
            self._learn(*customers)
        return self

    def decision_function(self, X):
        """Score of each segment: the logarithm of its probability, up to a constant.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features) or frame
            As for `predict`.

        Returns
        -------
        scores : ndarray of shape (n_customers, n_segments) or (n_customers,)
            With two segments, the second's score less the first's.
        """
        by_sums, answers = self._on_answers(X)
        scores = by_sums.scores(answers)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X):
        """Give each customer the most probable segment.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features) or frame
            All columns of `fit`; or a frame with the columns of `questions_`, by name,
            whatever else it has.

        Returns
        -------
        labels : ndarray of shape (n_customers,)

        Raises
        ------
        SchemaError
            If the frame lacks a question.
        ValueError
            If an answer is missing or an array has another number of columns.
        """
        scores, answers = self._on_answers(X)
        return scores.predict(answers)

    def predict_proba(self, X):
        """Probability of each segment for each customer.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features) or frame
            As for `predict`.

        Returns
        -------
        probabilities : ndarray of shape (n_customers, n_segments)
            Columns in the order of ``classes_``; rows sum to one.
        """
        scores, answers = self._on_answers(X)
        return scores.predict_proba(answers)

    def classification_functions(self):
        """Return scores as a table of sums, in the questions' own units.

        Returns
        -------
        table : DataFrame of shape (1 + n_questions, n_segments)
            The row ``(constant)``, then one row a question. A customer's score for a
            segment is the constant plus the sum of answers times weights.
        """
        check_is_fitted(self)
        constants = self._constants - self._centers @ self._weights
        return pd.DataFrame(
            np.vstack([constants, self._weights]),
            index=pd.Index(["(constant)", *self.questions_.tolist()], name="question"),
            columns=pd.Index(self.classes_, name="segment"),
        )

    # -- fit ---------------------------------------------------------------------------

    def _choose(self, X, codes, weights):
        """Choose questions by all customers, and judge the choice by each fold."""
        n_segments = len(self.classes_)
        shares = np.bincount(codes, weights, n_segments)
        self.priors_ = checked_priors(self.priors, self.classes_, shares)
        by_share = isinstance(self.priors, str) and self.priors == "share"
        priors = None if by_share else self.priors_
        budget = self._budget()
        evidence = Evidence(X, codes, n_segments, weights, priors, self.n_folds)
        if evidence.n_folds < 3:
            raise DegenerateFitError(
                "Customers must make three folds or more. Got "
                f"n_samples={len(X)} customers in {evidence.n_folds} instead. Give "
                "more customers of each segment."
            )
        learned = evidence.learned_without()
        check_variation(learned.moments, len(X), one_covariance=True)
        path = evidence.path(budget)
        if not path.columns:
            raise ValueError(
                f"Some question must cost at most max_cost={self.max_cost:g}. Got "
                f"{budget.costs.min():g} for the cheapest instead. Raise max_cost."
            )
        honest = asked_without(evidence, budget, len(path.columns))
        accuracies, errors = honest.curve(codes)
        chosen = self._chosen_number(accuracies, errors)
        honest = honest.with_number_chosen(codes, self.accuracy)
        of_number, its_error = honest.curve(codes)
        self.largest_share_ = float(shares.max() / shares.sum())
        self.accuracy_ = float(of_number[0])
        self.accuracy_se_ = float(its_error[0])
        self.selected_accuracy_ = path.accuracies[chosen]
        self.columns_ = np.array(path.columns[chosen])
        self.questions_ = self._column_names()[self.columns_]
        self.cost_ = float(budget.costs[self.columns_].sum())
        self.curve_ = self._table_of_curve(path, budget, accuracies, errors, chosen)
        self.segment_recall_ = table_of_recall(
            self.classes_,
            shares,
            codes[honest.rows],
            honest.codes[:, 0],
            honest.weights,
        )

    def _budget(self):
        names = self._column_names().tolist()
        costs = np.ones(len(names))
        for name, cost in (self.cost or {}).items():
            if name not in names:
                raise SchemaError(
                    f"cost must name columns of the table. Got {name!r} instead. "
                    f"The columns are {', '.join(map(repr, names[:8]))}"
                    f"{' ...' * (len(names) > 8)}."
                )
            if not (isinstance(cost, Real) and 0 < cost < np.inf):
                raise ValueError(
                    f"Costs must be numbers above zero. Got {cost!r} for column "
                    f"{name!r} instead. Leave out a column that must not be asked."
                )
            costs[names.index(name)] = cost
        most = np.inf if self.max_cost is None else self.max_cost
        return Budget(costs, most, min(self.max_questions, len(names)))

    def _chosen_number(self, accuracies, errors):
        """Place on the curve of the number of questions that is taken."""
        chosen = place_of_number(accuracies, errors, self.accuracy)
        if self.accuracy is not None and accuracies[chosen] < self.accuracy:
            warnings.warn(
                f"Some number of questions must reach accuracy={self.accuracy:g}. Got "
                f"{accuracies[chosen]:.3f} with {chosen + 1} at best instead, which is "
                "taken. Raise max_questions or max_cost, or give other columns.",
                SegmentWarning,
                stacklevel=_CALLER,
            )
        return chosen

    def _table_of_curve(self, path, budget, accuracies, errors, chosen):
        names = self._column_names()
        numbers = np.arange(1, len(path.columns) + 1)
        return pd.DataFrame(
            {
                "n_questions": numbers,
                "cost": [budget.costs[list(one)].sum() for one in path.columns],
                "accuracy": accuracies,
                "accuracy_se": errors,
                "selected_accuracy": path.accuracies,
                "questions": [tuple(names[list(one)].tolist()) for one in path.columns],
                "chosen": numbers == chosen + 1,
            }
        )

    def _learn(self, X, codes, weights):
        """Learn the scores of the questions chosen."""
        X = X[:, self.columns_]
        moments = segment_moments(X, codes, len(self.classes_), weights, pooled=True)
        gaussians = fit_gaussians(moments, 1, np.zeros(1))
        whitener = gaussians.whiteners[0]
        # A center of few digits: exports are shorter, and no digits are lost.
        digits = 3 - np.floor(np.log10(moments.scale)).astype(int)
        self._centers = np.array(
            [
                round(center, n)
                for center, n in zip(
                    moments.center.tolist(), digits.tolist(), strict=True
                )
            ]
        )
        places = (moments.means - self._centers) @ whitener
        self._weights = whitener @ places.T
        self._constants = np.log(self.priors_) - np.square(places).sum(axis=1) / 2

    # -- predict -----------------------------------------------------------------------

    def _on_answers(self, X):
        """Return what scores answers, and the answers of a table to the questions."""
        check_is_fitted(self)
        parts = self._centers, self._weights, self._constants
        return _AnswerScores(self.classes_, *parts), self._answers(X)

    def _answers(self, X):
        """Answers to the questions, ndarray of shape (n_customers, n_questions)."""
        frame = as_frame(X)
        if frame is not None and hasattr(self, "feature_names_in_"):
            names = self.questions_.tolist()
            missing = [name for name in names if name not in frame.columns]
            if missing:
                raise SchemaError(
                    "The table must have all questions. Got no "
                    f"{', '.join(map(repr, missing))} among its {len(frame.columns)} "
                    "columns instead. Ask them, or fit with other questions."
                )
            asked = frame.select(names).to_native()
            return validate_data(TypingTool(), asked, dtype=np.float64)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X[:, self.columns_]

    def _scorer_step(self, *, only_questions=False):
        columns = np.arange(len(self.columns_)) if only_questions else self.columns_
        step = Sums(columns, self._centers, self._weights, self._constants)
        return step, self.classes_

    def _column_names(self):
        names = getattr(self, "feature_names_in_", None)
        return np.arange(self.n_features_in_) if names is None else names
