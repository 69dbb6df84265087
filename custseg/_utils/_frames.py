"""Frames of any engine and arrays, alike."""

import narwhals.stable.v2 as nw


def as_frame(table):
    """Return the table as a narwhals frame, or None if it is no frame."""
    frame = nw.from_native(table, eager_only=True, pass_through=True)
    return frame if isinstance(frame, nw.DataFrame) else None


def as_known_frame(table):
    """Return an Arrow table as a pandas frame, which scikit-learn can take apart.

    Anything else is returned as it is.
    """
    if not nw.dependencies.is_pyarrow_table(table):
        return table
    # What Arrow knows of a pandas index would take a column out of the table.
    return table.to_pandas(ignore_metadata=True)


def rows_at(table, positions):
    """Return rows of a frame or an array by position, as what the table is."""
    frame = as_frame(table)
    return table[positions] if frame is None else frame[positions].to_native()
