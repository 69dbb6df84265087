"""Steps from numbers to numbers."""

import numpy as np

from custseg.exceptions import DataQualityError
from custseg.scoring._record import Record, record


@record
class Scale(Record):
    """``(x - subtract) / divide``, column by column; NaN stays."""

    subtract: np.ndarray
    divide: np.ndarray

    def __call__(self, source):
        """Return the scaled columns."""
        X = source.every()
        X -= self.subtract
        X /= self.divide
        return X


@record
class Stretch(Record):
    """``x * multiply + add``, held between two limits where there are any."""

    multiply: np.ndarray
    add: np.ndarray
    low: float
    high: float

    def __call__(self, source):
        """Return the stretched columns."""
        X = source.every()
        X *= self.multiply
        X += self.add
        if self.low < self.high:
            np.clip(X, self.low, self.high, out=X)
        return X


@record
class Fill(Record):
    """Missing values replaced, columns without any value left out, indicators added."""

    values: np.ndarray
    kept: np.ndarray
    indicators: np.ndarray

    def __call__(self, source):
        """Return filled columns and then indicators of missing values."""
        X = source.every()
        missing = np.isnan(X)
        np.copyto(X, self.values, where=missing)
        if len(self.kept) < X.shape[1]:
            X = X[:, self.kept]
        if not len(self.indicators):
            return X
        return np.hstack([X, missing[:, self.indicators]])


@record
class Rotate(Record):
    """``(x - center) @ matrix``, as of principal components."""

    center: np.ndarray
    matrix: np.ndarray

    def __call__(self, source):
        """Return the coordinates."""
        X = source.every()
        X -= self.center
        Z = X @ self.matrix
        # A missing value is in every sum: one column tells.
        if Z.item(0) != Z.item(0) or (len(Z) > 1 and np.isnan(Z[:, 0]).any()):
            refuse_missing(X, source)
        return Z


@record
class Select(Record):
    """Some of the columns."""

    kept: np.ndarray

    def __call__(self, source):
        """Return the columns kept."""
        return source.matrix(self.kept.tolist())


@record
class RowNorm(Record):
    """Each customer's row divided by its norm."""

    norm: str

    def __call__(self, source):
        """Return the rows of norm one."""
        X = refuse_missing(source.every(), source)
        if self.norm == "l2":
            norms = np.sqrt(np.einsum("ij,ij->i", X, X))
        else:
            norms = (
                np.abs(X).sum(axis=1) if self.norm == "l1" else np.abs(X).max(axis=1)
            )
        norms[norms == 0] = 1
        return X / norms[:, np.newaxis]


@record
class Power(Record):
    """Yeo and Johnson's or Box and Cox's power of each column."""

    method: str
    lambdas: np.ndarray
    subtract: np.ndarray
    divide: np.ndarray

    def __call__(self, source):
        """Return the transformed columns."""
        X = source.every()
        if self.method == "box-cox":
            Z = self._box_cox(X, source)
        else:
            Z = self._yeo_johnson(X)
        return (Z - self.subtract) / self.divide

    def _yeo_johnson(self, X):
        Z = np.empty_like(X)
        for k, power in enumerate(self.lambdas):
            above = X[:, k] >= 0
            sizes = np.log1p(np.abs(X[:, k]))
            Z[:, k] = np.where(above, _boxed(sizes, power), -_boxed(sizes, 2 - power))
        Z[np.isnan(X)] = np.nan
        return Z

    def _box_cox(self, X, source):
        wrong = (X <= 0).any(axis=0)
        if wrong.any():
            names = [source.names[i] for i in np.flatnonzero(wrong)]
            raise DataQualityError(
                "Columns must be positive for Box and Cox's power. Got others in "
                f"{', '.join(map(repr, names))} instead. Correct them."
            )
        logs = np.log(X)
        return np.column_stack(
            [
                _boxed(log, power)
                for log, power in zip(logs.T, self.lambdas, strict=True)
            ]
        )


def _boxed(logs, power):
    """Return ``(exp(logs) ** power - 1) / power``, and `logs` for a power of zero."""
    if abs(power) < np.finfo(np.float64).eps:
        return logs
    return np.expm1(power * logs) / power


@record
class Bins(Record):
    """Each column's interval, as a number or as indicators."""

    edges: tuple
    one_hot: bool

    def __call__(self, source):
        """Return the intervals."""
        X = refuse_missing(source.every(), source)
        blocks = []
        for k, edges in enumerate(self.edges):
            codes = np.searchsorted(edges[1:-1], X[:, k], side="right")
            if self.one_hot:
                blocks.append(np.eye(len(edges) - 1)[codes])
            else:
                blocks.append(codes[:, np.newaxis].astype(np.float64))
        return np.concatenate(blocks, axis=1)


@record
class Apply(Record):
    """A function of NumPy, cell by cell."""

    function: str

    def __call__(self, source):
        """Return the function's values."""
        return getattr(np, self.function)(source.every())


FUNCTIONS = (
    *("abs", "absolute", "arcsinh", "cbrt", "exp", "expm1", "log", "log10", "log1p"),
    *("log2", "negative", "sign", "sqrt", "square", "tanh"),
)


@record
class AsNumbers(Record):
    """Columns of numbers as they are."""

    def __call__(self, source):
        """Return all columns."""
        return source.every()


def refuse_missing(X, source):
    """Return X, or say where a value is missing that nothing fills."""
    if np.isfinite(X.sum()) or np.isfinite(X).all():
        return X
    unknown = ~np.isfinite(X)
    names = [source.names[i] for i in np.flatnonzero(unknown.any(axis=0))]
    raise DataQualityError(
        "Values must be known where no step fills them. Got missing ones in "
        f"{', '.join(map(repr, names[:5]))} "
        f"({np.count_nonzero(unknown.any(axis=1))} of {len(X)} rows) instead. "
        "Find the values, or put a step that fills them into the pipeline."
    )
