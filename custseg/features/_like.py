"""Give back one value a customer in the kind of table that came in."""

import narwhals as nw

__all__ = ["like"]


def like(X, name, values):
    """Return values as a Series of the kind of a table, or as they are for an array.

    Parameters
    ----------
    X : array-like or frame
    name : str
        Of the Series.
    values : ndarray of shape (n_customers,)

    Returns
    -------
    Series or ndarray
        pandas' with the index of `X`.
    """
    if not nw.dependencies.is_into_dataframe(X):
        return values
    frame = nw.from_native(X, eager_only=True)
    series = nw.new_series(name, values.tolist(), backend=frame.implementation)
    native = series.to_native()
    if nw.dependencies.is_pandas_dataframe(X):
        native.index = X.index
    return native
