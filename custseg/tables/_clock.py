"""Times as whole microseconds of the clock on the wall, on every engine."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np

from custseg.exceptions import SchemaError

DAY = 86_400_000_000  # microseconds
EPOCH = datetime(1970, 1, 1)


def zone_of(frame, name):
    """Time zone of a column, a tzinfo; None where there is none.

    The type that pandas gives knows its zone where narwhals does not read its name.
    DuckDB and Spark keep moments, and their session says whose clock they are read
    off.
    """
    zone = getattr(frame.collect_schema()[name], "time_zone", None)
    if frame.implementation.is_pandas():
        zone = getattr(frame.to_native()[name].dtype, "tz", None) or zone
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def with_clock(frame, name, into):
    """Add microseconds since 1970 as the clock on the wall showed them.

    `name` is a column of dates or times and `into` the new column. Dates that are
    missing stay so.
    """
    if frame.implementation.is_duckdb():
        return _duckdb_clock(frame, name, into)
    if frame.implementation.is_spark_like():
        return _spark_clock(frame, name, into)
    when = nw.col(name)
    if zone_of(frame, name) is not None:
        when = when.dt.replace_time_zone(None)
    frame = frame.with_columns(when.dt.timestamp("us").alias(into))
    return _numpy_clock(frame, into) if frame.implementation.is_pandas() else frame


def with_moment(frame, name, into):
    """Add microseconds since 1970 in UTC, between which lies the time that passed.

    As `with_clock`, which it is where the column has no time zone.
    """
    if zone_of(frame, name) is None:
        return with_clock(frame, name, into)
    if frame.implementation.is_duckdb():
        return _duckdb_clock(frame, name, into, "TIMESTAMPTZ")
    if frame.implementation.is_spark_like():
        from pyspark.sql import functions

        micro = functions.expr(f"unix_micros({_spark_name(name)})")
        return nw.from_native(frame.to_native().withColumn(into, micro))
    if frame.implementation.is_pandas():
        # pandas knows zones that narwhals does not.
        native = frame.to_native()
        plain = native[name].dt.tz_convert("UTC").dt.tz_localize(None)
        frame = nw.from_native(native.assign(**{into: plain})).lazy()
        return with_clock(frame, into, into)
    return frame.with_columns(nw.col(name).dt.timestamp("us").alias(into))


def moment_of(wall, zone):
    """Return the moment at which the clock on the wall of a zone last showed a time.

    Both are in microseconds since 1970, the moment in UTC.
    """
    import pandas as pd

    if zone is None:
        return wall
    shown = pd.Timestamp(EPOCH + timedelta(microseconds=wall))
    moment = shown.tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
    return on_the_wall(moment.tz_convert(UTC).to_pydatetime(), None)


def _numpy_clock(frame, into):
    """Give pandas' times one of NumPy's types, whatever the dates are kept in."""
    native = frame.to_native()
    kind = "float64" if native[into].isna().any() else "int64"
    return nw.from_native(native.astype({into: kind})).lazy()


def _duckdb_clock(frame, name, into, kind="TIMESTAMP"):
    import duckdb

    when = duckdb.ColumnExpression(name).cast(kind)
    micro = duckdb.FunctionExpression("epoch_us", when).alias(into)
    return nw.from_native(frame.to_native().select(duckdb.StarExpression(), micro))


def _spark_clock(frame, name, into):
    from pyspark.sql import functions

    quoted = _spark_name(name)
    seconds = (
        f"unix_date(cast({quoted} as date)) * 86400L + hour({quoted}) * 3600"
        f" + minute({quoted}) * 60 + extract(second from {quoted})"
    )
    micro = functions.expr(f"cast(({seconds}) * 1000000 as bigint)")
    return nw.from_native(frame.to_native().withColumn(into, micro))


def _spark_name(name):
    return "`" + name.replace("`", "``") + "`"


def on_the_wall(moment, zone):
    """Microseconds since 1970 that the clock on the wall of a zone shows at a time."""
    if moment.tzinfo is not None and zone is not None:
        moment = moment.astimezone(zone)
    return (moment.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)


def start_of_clocks(zone):
    """Microseconds that the wall's clock showed at a Unix time of zero."""
    return on_the_wall(datetime(1970, 1, 1, tzinfo=UTC), zone)


def read_end(end, name, zone):
    """Read the end of a period.

    Returns
    -------
    limit : int
        The last microsecond that counts. A date without a time, or a time of
        midnight, lasts to the end of its day.
    reference : int
        Where times until the end are counted from: `limit`, or the midnight after it.
    """
    end = _read_moment(end, name)
    if end.tzinfo is not None and zone is None:
        raise SchemaError(
            f"{name} must have no time zone when the date column has none. Got the "
            f"zone {end.tzinfo} instead. Leave the zone out, or give the column its "
            "zone."
        )
    reference = on_the_wall(end, zone)
    if end.time() == time():
        return reference + DAY - 1, reference + DAY
    return reference, reference


def _read_moment(end, name):
    """Read a moment as a datetime."""
    if isinstance(end, np.datetime64):
        end = end.astype("datetime64[us]").item()
    if isinstance(end, str):
        try:
            return datetime.fromisoformat(end)
        except ValueError as error:
            raise ValueError(
                f"{name} must be a date in the form 2024-12-31, with or without a "
                f"time. Got {end!r} instead."
            ) from error
    if _is_missing(end):
        raise ValueError(
            f"{name} must be a date. Got a missing one instead. Leave it out to take "
            "the latest date of the table."
        )
    if isinstance(end, datetime):
        parts = (end.hour, end.minute, end.second, end.microsecond, end.tzinfo)
        return datetime(end.year, end.month, end.day, *parts, fold=end.fold)
    if isinstance(end, date):
        return datetime(end.year, end.month, end.day)
    raise TypeError(
        f"{name} must be a str, date, datetime or pandas.Timestamp. Got "
        f"{type(end).__name__} instead."
    )


def _is_missing(end):
    """Tell None, NaT and nan, which differ from themselves, and pandas.NA."""
    differs = end != end
    if end is None or differs is end:  # pandas.NA answers with itself
        return True
    return isinstance(differs, bool | np.bool_) and bool(differs)
