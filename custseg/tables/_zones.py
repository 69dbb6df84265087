"""Dates that pandas keeps as objects: of several time zones, or out of its reach."""

from datetime import UTC, datetime

import narwhals as nw
import numpy as np

from custseg.exceptions import SchemaError

__all__ = ["in_one_zone"]


def in_one_zone(table, name):
    """Read dates kept as objects, on the clock of the zone that most of them have.

    Returns the table and the positions of the dates that came in another zone, None
    where dates have no zone; of any other table, the table as it is and None.
    """
    frame = table.frame
    if not frame.implementation.is_pandas():
        return table, None
    column = frame.to_native()[name]
    if column.dtype != object:
        return table, None
    dates = column[column.notna()]
    if not len(dates) or not all(isinstance(date, datetime) for date in dates):
        return table, None
    zones = [str(date.tzinfo) if date.tzinfo else "" for date in dates]
    names, codes, counts = np.unique(zones, return_inverse=True, return_counts=True)
    if list(names) == [""]:
        return _with_dates(table, name, column, None), None
    if "" in names:
        n_without = int(counts[list(names).index("")])
        raise SchemaError(
            f"Column {name!r} must hold dates with a time zone in every row, or in "
            f"none. Got {n_without:,} of {len(dates):,} dates without instead. Give "
            "them the zone that they were written in, with tz_localize."
        )
    most = int(counts.argmax())
    zone = dates.iloc[int(np.flatnonzero(codes == most)[0])].tzinfo
    others = np.flatnonzero(column.notna().to_numpy())[codes != most]
    return _with_dates(table, name, column, zone), others


def _with_dates(table, name, column, zone):
    """Put dates in place of objects; microseconds reach from the year 1 to 9999."""
    import pandas as pd

    known = column.notna()
    moments = [
        np.datetime64(_plain(date, zone), "us") if there else np.datetime64("NaT", "us")
        for date, there in zip(column, known, strict=True)
    ]
    dates = pd.Series(np.array(moments, dtype="datetime64[us]"), index=column.index)
    if zone is not None:
        dates = dates.dt.tz_localize(UTC).dt.tz_convert(zone)
    native = table.frame.to_native().assign(**{name: dates})
    return table.with_frame(nw.from_native(native).lazy())


def _plain(date, zone):
    date = date if zone is None else date.astimezone(UTC)
    parts = (date.hour, date.minute, date.second, date.microsecond)
    return datetime(date.year, date.month, date.day, *parts)
