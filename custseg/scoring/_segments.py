"""Last steps: which segment, and how probable."""

from bisect import bisect_right

import numpy as np

from custseg.scoring._record import Record, record


@record
class Nearest(Record):
    """The segment of the nearest point, the first of those equally near.

    Attributes
    ----------
    points : ndarray of shape (n_points, n_features)
    segments : ndarray of int, shape (n_points,)
    """

    points: np.ndarray
    segments: np.ndarray
    has_probabilities = False

    def codes(self, X):
        """Position of each customer's segment."""
        if len(X) == 1:
            gaps = X - self.points
            gaps *= gaps
            distances = gaps.cumsum(axis=1)[:, -1].tolist()
            nearest = [distances.index(min(distances))]
        else:
            nearest = squared_distances(X, self.points).argmin(axis=1)
        return self.segments[nearest]


def squared_distances(X, points):
    """Squared distances, summed column by column as for one customer."""
    squared = np.zeros((len(points), len(X)))
    for column, values in zip(np.ascontiguousarray(X.T), points.T, strict=True):
        gaps = column - values[:, np.newaxis]
        gaps *= gaps
        squared += gaps
    return squared.T


class _Scored(Record):
    """What gives each segment a score, the largest of which decides."""

    has_probabilities = True

    def codes(self, X):
        """Position of each customer's segment."""
        return largest(self.scores(X))

    def probabilities(self, X):
        """Probability of each segment; rows sum to one."""
        return softmax(self.scores(X))


def largest(scores):
    """Position of the largest score in each row, the first of equal ones."""
    if len(scores) == 1:  # without letting another thread in between
        of_one = scores[0].tolist()
        return np.array([of_one.index(max(of_one))])
    return scores.argmax(axis=1)


@record
class Linear(_Scored):
    """Scores that are linear in the columns.

    Attributes
    ----------
    center : ndarray of shape (n_features,)
    coefficients : ndarray of shape (n_features, n_scores)
    constants : ndarray of shape (n_scores,)
    link : {"softmax", "sigmoid", "one against the rest"}
        "sigmoid" has one score for two segments.
    """

    center: np.ndarray
    coefficients: np.ndarray
    constants: np.ndarray
    link: str = "softmax"

    def scores(self, X):
        """Scores of the segments."""
        scores = (X - self.center) @ self.coefficients
        scores += self.constants
        return scores

    def codes(self, X):
        """Position of each customer's segment."""
        scores = self.scores(X)
        if self.link == "sigmoid":
            return (scores[:, 0] > 0).astype(np.intp)
        return largest(scores)

    def probabilities(self, X):
        """Probability of each segment; rows sum to one."""
        scores = self.scores(X)
        if self.link == "softmax":
            return softmax(scores)
        of_each = sigmoid(scores)
        if self.link == "sigmoid":
            return np.column_stack([1 - of_each[:, 0], of_each[:, 0]])
        return of_each / of_each.sum(axis=1, keepdims=True)


@record
class Sums(_Scored):
    """A constant and weighted answers, added up one by one.

    Attributes
    ----------
    columns : ndarray of int, shape (n_questions,)
    centers : ndarray of shape (n_questions,)
    weights : ndarray of shape (n_questions, n_segments)
    constants : ndarray of shape (n_segments,)
    """

    columns: np.ndarray
    centers: np.ndarray
    weights: np.ndarray
    constants: np.ndarray

    def scores(self, X):
        """Scores of the segments."""
        return sums_of_answers(
            X[:, self.columns], self.centers, self.weights, self.constants
        )


def sums_of_answers(answers, centers, weights, constants):
    """Scores in an order that a spreadsheet and a database can repeat, to the bit."""
    scores = np.tile(constants, (len(answers), 1))
    for k, center in enumerate(centers):
        scores += (answers[:, k] - center)[:, np.newaxis] * weights[k]
    return scores


@record
class Gaussians(_Scored):
    """Scores by the distance from a center in a space of each segment's own.

    Attributes
    ----------
    center : ndarray of shape (n_features,)
    means : ndarray of shape (n_segments, n_features)
        About `center`.
    matrices : ndarray of shape (n_segments, n_features, n_directions)
        That make each segment's covariance the identity.
    constants : ndarray of shape (n_segments,)
        Logarithm of the prior, less half that of the determinant.
    """

    center: np.ndarray
    means: np.ndarray
    matrices: np.ndarray
    constants: np.ndarray

    def _prepare(self):
        parts = zip(self.means, self.matrices, strict=True)
        self._keep(_parts=tuple((np.copy(m), np.copy(W)) for m, W in parts))

    def scores(self, X):
        """Scores of the segments."""
        X = X - self.center
        scores = np.empty((len(X), len(self._parts)))
        for k, (mean, matrix) in enumerate(self._parts):
            scores[:, k] = _squared_norms((X - mean) @ matrix)
        scores *= -0.5
        scores += self.constants
        return scores


@record
class Components(Record):
    """Segments of one component of a mixture or more.

    Attributes
    ----------
    mixture : step
        That gives components scores.
    segments : ndarray of int, shape (n_components,)
        Segment of each component, ascending.
    """

    mixture: Record
    segments: np.ndarray
    has_probabilities = True

    def _prepare(self):
        every = np.arange(self.segments[-1] + 1)
        self._keep(_starts=np.searchsorted(self.segments, every))

    def codes(self, X):
        """Position of each customer's segment."""
        return largest(self.probabilities(X))

    def probabilities(self, X):
        """Probability of each segment; rows sum to one."""
        of_each = softmax(self.mixture.scores(X))
        return np.add.reduceat(of_each, self._starts, axis=1)


@record
class Trees(Record):
    """Mean of the shares in the leaves of trees.

    Attributes
    ----------
    roots : ndarray of int, shape (n_trees,)
    columns : ndarray of int, shape (n_nodes,)
        That a node looks at; -1 in a leaf.
    thresholds : ndarray of shape (n_nodes,)
    left, right : ndarray of int, shape (n_nodes,)
        Next node: left up to the threshold.
    shares : ndarray of shape (n_nodes, n_segments)
    """

    roots: np.ndarray
    columns: np.ndarray
    thresholds: np.ndarray
    left: np.ndarray
    right: np.ndarray
    shares: np.ndarray
    has_probabilities = True

    def codes(self, X):
        """Position of each customer's segment."""
        return self.probabilities(X).argmax(axis=1)

    def probabilities(self, X):
        """Probability of each segment; rows sum to one."""
        X = X.astype(np.float32)
        total = np.zeros((len(X), self.shares.shape[1]))
        for root in self.roots:
            total += self.shares[self._leaves(X, root)]
        return total / len(self.roots)

    def _leaves(self, X, root):
        nodes = np.full(len(X), root)
        inner = np.flatnonzero(self.columns[nodes] >= 0)
        while len(inner):
            at = nodes[inner]
            goes_left = X[inner, self.columns[at]] <= self.thresholds[at]
            nodes[inner] = np.where(goes_left, self.left[at], self.right[at])
            inner = inner[self.columns[nodes[inner]] >= 0]
        return nodes


@record
class Typicality(Record):
    """Share of members at least as far from their segment as a customer.

    Attributes
    ----------
    center : ndarray of shape (n_features,)
    matrix : ndarray of shape (n_features, n_directions)
    places : ndarray of shape (n_segments, n_directions)
    kept : ndarray of shape (n_kept,)
        Squared distances of calibration customers with a minus sign, ascending.
    ranks : ndarray of int, shape (n_kept + 1,)
        From the far end, and that after the last.
    n_calibration : int
    rounded : float
        Just below one: distances that differ by rounding are the same.
    alpha : float
        p-value up to which a customer is none of the above.
    """

    center: np.ndarray
    matrix: np.ndarray
    places: np.ndarray
    kept: np.ndarray
    ranks: np.ndarray
    n_calibration: int
    rounded: float
    alpha: float

    def _prepare(self):
        self._keep(_kept=tuple(self.kept.tolist()))

    def p_values(self, X):
        """p-values of customers."""
        directions = (X - self.center) @ self.matrix
        if len(X) == 1:
            nearest = _squared_norms(directions - self.places).min(keepdims=True)
        else:
            nearest = np.full(len(X), np.inf)
            for place in self.places:
                squared = _squared_norms(directions - place)
                np.minimum(nearest, squared, out=nearest)
        nearest *= -self.rounded
        if len(X) == 1:
            beyond = [bisect_right(self._kept, nearest.item())]
        else:
            beyond = self.kept.searchsorted(nearest, side="right")
        return self.ranks[beyond] / (self.n_calibration + 1)


@record
class Tempered(Record):
    """Logarithms of probabilities divided by a temperature."""

    temperature: float

    def __call__(self, probabilities):
        """Return calibrated probabilities."""
        logarithms = np.log(np.maximum(probabilities, np.finfo(np.float64).eps))
        return softmax(logarithms * (1 / self.temperature))


@record
class Curves(Record):
    """A curve a segment, from probabilities as said to shares as come true."""

    said: tuple
    came_true: tuple

    def __call__(self, probabilities):
        """Return calibrated probabilities."""
        calibrated = np.empty_like(probabilities)
        for k, knots in enumerate(zip(self.said, self.came_true, strict=True)):
            calibrated[:, k] = np.interp(probabilities[:, k], *knots)
        calibrated /= calibrated.sum(axis=1, keepdims=True)
        return calibrated


def _squared_norms(rows):
    return np.einsum("ij,ij->i", rows, rows)


def softmax(scores):
    """Probabilities as the exponentials of scores, in their place."""
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def sigmoid(scores):
    """Return ``1 / (1 + exp(-x))`` without overflow."""
    small = np.exp(-np.abs(scores))
    return np.where(scores >= 0, 1, small) / (1 + small)
