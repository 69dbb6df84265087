"""The kinds of frame, made of the same columns."""

import os
import shutil
from datetime import date

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

_SPARK_ZONE = "spark.sql.session.timeZone"


# Polars has its turn in `engine`; here it is left to `make test-all`.
_POLARS = pytest.param("polars", marks=pytest.mark.distributed)


@pytest.fixture(params=["pandas", _POLARS])
def make_frame(request):
    """Give the constructor of one kind of frame."""
    return {"pandas": pd.DataFrame, "polars": pl.DataFrame}[request.param]


class Engine:
    """One kind of table: makes it of columns, and reads it back."""

    def __init__(self, name, make, session=None):
        self.name = name
        self.make = make
        self.session = session

    def frame(self, columns, days=()):
        """Make a table of a dict of lists, in which None is missing.

        Columns in `days` are dates without times where the kind of table has such.
        """
        if days and self.name not in ("pandas", "dask"):
            columns = columns | {name: _dates(columns[name]) for name in days}
        return self.make(columns)

    def file(self, pandas_frame, path):
        """Make a table of a pandas frame, through a file where that is the way."""
        if self.name != "spark":
            return self.frame({n: list(pandas_frame[n]) for n in pandas_frame})
        pandas_frame.to_parquet(path, coerce_timestamps="us")
        return self.session.read.parquet(str(path))

    def read(self, table, by="customer_id"):
        """Return a pandas frame of NumPy types, sorted by a column."""
        table = nw.from_native(table.compute() if self.name == "dask" else table)
        if isinstance(table, nw.LazyFrame):
            table = table.collect()
        found = {name: table[name].to_list() for name in table.columns}
        frame = pd.DataFrame({name: pd.Series(v) for name, v in found.items()})
        for name in frame:
            known = frame[name].dropna()
            if all(isinstance(one, bool | np.bool_) for one in known):
                frame[name] = [np.nan if pd.isna(v) else float(v) for v in frame[name]]
            if len(known) and all(type(one) is date for one in known):
                frame[name] = pd.to_datetime(frame[name])
            if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
                if self.session is not None:  # which gives moments in UTC
                    zone = self.session.conf.get(_SPARK_ZONE)
                    frame[name] = frame[name].dt.tz_convert(zone)
                frame[name] = frame[name].dt.tz_localize(None)
        return frame.sort_values(by, ignore_index=True) if by else frame

    def on_clocks_of(self, zone):
        """Return an engine whose session, if it has one, is in another time zone."""
        if self.session is None:
            return self
        # narwhals asks each session once.
        session = self.session.newSession()
        session.conf.set(_SPARK_ZONE, zone)
        return Engine(self.name, _spark(session), session)

    def meet_pandas(self, road):
        """Go a road with tables of this kind and with pandas', and compare.

        `road` takes an engine and gives a dict of frames as `read` makes them, and of
        plain values.
        """
        expected, found = road(Engine("pandas", pd.DataFrame)), road(self)
        assert list(found) == list(expected)
        for name, value in expected.items():
            if not isinstance(value, pd.DataFrame):
                assert found[name] == value, name
                continue
            for one in value.select_dtypes("integer"):  # no float can hold all ids
                assert found[name][one].tolist() == value[one].tolist(), (name, one)
                assert found[name][one].dtype.kind == "i", (name, one)
            pd.testing.assert_frame_equal(
                _none_for_missing(found[name]),
                _none_for_missing(value),
                rtol=1e-9,
                atol=1e-12,
                check_dtype=False,
                obj=name,
            )


def _dates(times):
    return [None if one is None else one.date() for one in times]


def _none_for_missing(frame):
    """Give text one way of missing; numbers have one, and times."""
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    texts = [name for name in texts if frame[name].dtype.kind != "M"]
    plain = {n: [None if pd.isna(v) else v for v in frame[n]] for n in texts}
    return frame.assign(**{n: pd.Series(v, dtype=object) for n, v in plain.items()})


def _arrow(columns):
    import pyarrow

    return pyarrow.table(columns)


def _duckdb(columns):
    import duckdb

    duckdb.execute("set timezone = 'UTC'")
    return duckdb.from_arrow(_arrow(columns))


def _dask(columns):
    import dask
    import dask.dataframe

    # Threads that ignore a warning at one time may let it through.
    dask.config.set(scheduler="synchronous")
    return dask.dataframe.from_pandas(pd.DataFrame(columns), npartitions=2)


def _spark(session):
    def make(columns):
        rows = list(zip(*columns.values(), strict=True))
        typed = _arrow(columns).schema
        schema = ", ".join(f"`{f.name}` {_spark_type(str(f.type))}" for f in typed)
        return session.createDataFrame(rows, schema)

    return make


_SPARK_TYPES = {
    "string": "string",
    "int64": "bigint",
    "double": "double",
    "bool": "boolean",
    "date32[day]": "date",
    "timestamp[us]": "timestamp_ntz",
}


def _spark_type(kind):
    return "timestamp" if kind.startswith("timestamp[us, tz=") else _SPARK_TYPES[kind]


@pytest.fixture(scope="session")
def spark_session():
    """Start a Spark of this process's own, whose workers run this very Python."""
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not on the path")
    sql = pytest.importorskip("pyspark.sql")
    import sys

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    session = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "1")
        # Tables are small and plans are long: interpret queries rather than compile
        # them, do not carry what is known of each column through the whole plan, nor
        # where in Python it was written, and let Java compile itself in haste.
        .config(
            "spark.driver.extraJavaOptions",
            "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        )
        .config("spark.sql.dataFrameQueryContext.enabled", "false")
        .config("spark.python.sql.dataFrameDebugging.enabled", "false")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.constraintPropagation.enabled", "false")
        .config(_SPARK_ZONE, "UTC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "1g")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


_MAKERS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "polars-lazy": pl.LazyFrame,
    "pyarrow": _arrow,
    "duckdb": _duckdb,
    "dask": _dask,
}
_PACKAGES = {"duckdb": "duckdb", "dask": "dask.dataframe", "pyarrow": "pyarrow"}


# A polars frame is read as a lazy one, and `make_frame` gives it. An Arrow table is
# read as a pandas frame, so it is tested once per table function, as Dask is.
_AT_ONCE = ["pandas", "polars-lazy"]
_AT_ONCE += [pytest.param("duckdb", marks=pytest.mark.distributed)]
_ARROW = pytest.param("pyarrow", marks=pytest.mark.distributed)
_DASK = pytest.param("dask", marks=pytest.mark.distributed)
_SPARK = pytest.param(
    "spark", marks=[pytest.mark.distributed, pytest.mark.xdist_group("spark")]
)


def _engine(name, request):
    if name == "spark":
        session = request.getfixturevalue("spark_session")
        return Engine(name, _spark(session), session)
    if name in _PACKAGES:
        pytest.importorskip(_PACKAGES[name])
    return Engine(name, _MAKERS[name])


@pytest.fixture(params=_AT_ONCE)
def engine(request):
    """Give one kind of table after the other, of those that answer at once."""
    return _engine(request.param, request)


@pytest.fixture(params=[_ARROW, _DASK, _SPARK])
def distributed(request):
    """Give Arrow, Dask and Spark: once per function, over a table of all cases."""
    return _engine(request.param, request)


@pytest.fixture(params=[_SPARK])
def spark(request):
    """Give Spark, for what it alone does its own way."""
    return _engine(request.param, request)
