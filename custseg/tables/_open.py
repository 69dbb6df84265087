"""The border of this stage: any engine's table in, the same engine's table out.

A table function has two halves. The first reads figures of the table (how many rows
break a rule, how far the dates go) and settles on a plan. The second is a pure function
from a lazy narwhals frame and that plan to another frame, and reads nothing. So one
text serves every engine:

- pandas and polars frames, DuckDB relations and Spark frames run it as they are;
- a pyarrow table runs it as a pandas frame and comes back;
- a Dask frame is dealt out so that all rows of a customer share a part, and each part
  runs it as a pandas frame.
"""

from contextlib import suppress
from copy import copy
from functools import partial

import narwhals as nw

from custseg.exceptions import SchemaError

KINDS = (
    "a pandas or polars data frame, a pyarrow table, a DuckDB relation, or a Spark or "
    "Dask data frame"
)
ROW = "_custseg_row"

# How figures of parts of a table become those of the whole.
_TOGETHER = {"sum": sum, "min": min, "max": max}


def open_table(native, what="A transaction table"):
    """Take a table of any engine through the border.

    Parameters
    ----------
    native : frame
        pandas or polars data frame (also lazy), pyarrow table, DuckDB relation, Spark
        or Dask data frame.
    what : str
        What to call it in errors.

    Returns
    -------
    table : Table

    Raises
    ------
    TypeError
        If it is of another kind.
    SchemaError
        If two columns have one name, or Spark cannot read one.
    """
    _check_column_names(native, what)
    if is_dask(native):
        return _Dask(native, what)
    frame = nw.from_native(native, pass_through=True)
    known = isinstance(frame, nw.DataFrame | nw.LazyFrame)
    engine = frame.implementation if known else None
    if not known or not any(engine is one for one in _OPENERS):
        raise TypeError(
            f"{what} must be {KINDS}. Got "
            f"{type(native).__module__}.{type(native).__qualname__} instead. Convert "
            "it first, e.g. with its to_pandas()."
        )
    return _OPENERS[engine](frame, what)


class Table:
    """An opened table.

    Attributes
    ----------
    frame : narwhals.LazyFrame
        The table; for Dask, its columns without rows.
    ordered : bool
        Whether rows have positions.
    what : str
        What to call it in errors.
    """

    ordered = True

    def __init__(self, frame, what):
        self.frame = frame
        self.what = what
        self.schema = frame.collect_schema()

    @property
    def columns(self):
        """Names of the columns: list of str."""
        return self.schema.names()

    def with_rows(self):
        """Give the rows their positions, in the column `ROW`, if they have an order."""
        return self.then(_numbered)

    def then(self, function, by=None, **plan):
        """Go on with `function(frame, **plan)`, which is worked out if that is usual.

        `by` names the column whose equal values must meet.
        """
        return self.with_frame(function(self.frame, **plan).collect().lazy())

    def with_frame(self, frame):
        """Return the table with another frame of the same engine."""
        found = copy(self)
        found.frame = frame
        found.schema = frame.collect_schema()
        return found

    def arrays(self, function, **plan):
        """Return the columns of `function(frame, **plan)`, all numbers, as arrays."""
        found = _collect(function(self.frame, **plan))
        return {name: found[name].to_numpy() for name in found.columns}

    def run(self, function, by=None, **plan):
        """Give back `function(frame, **plan)` as the kind of table that was given.

        `by` names the column whose equal values must meet.
        """
        return self._give_back(function(self.frame, **plan))

    def figures(self, function, by=None, **plan):
        """Return the one row of `function(frame, **plan)` as a dict.

        Names end in `_sum`, `_min` or `_max`, which says how figures of parts are put
        together; the ending is not part of the name in the dict. `by` is given where
        equal values of a column must meet.
        """
        return _joined([_collect(function(self.frame, **plan))])

    def rows(self, function, by=None, **plan):
        """Return all rows of `function(frame, **plan)`, which are few, as dicts.

        Only what does not depend on how a table was cut may be asked for.
        """
        return _collect(function(self.frame, **plan)).rows(named=True)


class _Pandas(Table):
    def __init__(self, frame, what):
        super().__init__(nw.maybe_reset_index(frame).lazy(), what)

    def _give_back(self, frame):
        return nw.maybe_reset_index(frame.collect()).to_native()


class _Polars(Table):
    def __init__(self, frame, what):
        super().__init__(frame.lazy(), what)

    def _give_back(self, frame):
        return frame.collect().to_native()


class _Lazy(Table):
    def then(self, function, by=None, **plan):
        return self.with_frame(function(self.frame, **plan))

    def _give_back(self, frame):
        return frame.to_native()


class _PolarsLazy(_Lazy):
    def with_rows(self):
        native = self.frame.to_native().with_row_index(ROW)
        return self.with_frame(nw.from_native(native))


class _Unordered(_Lazy):
    ordered = False

    def with_rows(self):
        return self


class _Spark(_Unordered):
    def __init__(self, frame, what):
        super().__init__(frame, what)
        odd = [name for name in self.columns if "." in name or "`" in name]
        if odd:
            raise SchemaError(
                f"{what} must have column names without dots and backticks on Spark, "
                f"which reads them as parts of names. Got {', '.join(map(repr, odd))} "
                "instead. Rename the columns, e.g. with withColumnRenamed."
            )


class _Arrow(_Pandas):
    """A pyarrow table, as a pandas frame on the way."""

    def __init__(self, frame, what):
        native = frame.to_native()
        self.fields = native.schema
        super().__init__(_arrow_to_pandas(native), what)

    def _give_back(self, frame):
        return _pandas_to_arrow(super()._give_back(frame), self.fields)


class _Dask(_Unordered):
    """A Dask frame: parts that are pandas frames.

    `frame` is a part without rows, from which the columns and their types are read.
    """

    def __init__(self, native, what):
        self.native = native
        super().__init__(nw.from_native(native._meta).lazy(), what)

    def then(self, function, by=None, **plan):
        return type(self)(self.run(function, by, **plan), self.what)

    def run(self, function, by=None, **plan):
        from dask.dataframe.utils import meta_nonempty

        native = self._met(by)
        part = partial(_run_part, function=function, plan=plan)
        meta = part(meta_nonempty(native._meta)).iloc[:0]
        return native.map_partitions(part, meta=meta)

    def figures(self, function, by=None, **plan):
        return _joined([nw.from_native(one) for one in self._parts(function, by, plan)])

    def rows(self, function, by=None, **plan):
        parts = self._parts(function, by, plan)
        return [row for part in parts for row in part.to_dict("records")]

    def _parts(self, function, by, plan):
        import dask

        part = dask.delayed(partial(_run_part, function=function, plan=plan))
        return dask.compute(*[part(one) for one in self._met(by).to_delayed()])

    def _met(self, by):
        """Return the frame, dealt out so that equal values of a column share a part."""
        return self.native if by is None else self.native.shuffle(by)


def _lazy(of_lazy, of_eager, frame, what):
    """Open a frame of an engine that has two kinds."""
    kind = of_lazy if isinstance(frame, nw.LazyFrame) else of_eager
    return kind(frame, what)


_OPENERS = {
    nw.Implementation.PANDAS: _Pandas,
    nw.Implementation.POLARS: partial(_lazy, _PolarsLazy, _Polars),
    nw.Implementation.PYARROW: _Arrow,
    nw.Implementation.DUCKDB: _Unordered,
    nw.Implementation.PYSPARK: _Spark,
    nw.Implementation.PYSPARK_CONNECT: _Spark,
}


def is_dask(native):
    """Tell a Dask frame, without importing Dask."""
    home = type(native).__module__.partition(".")[0]
    return home in ("dask", "dask_expr") and hasattr(native, "map_partitions")


def ignores_case(frame):
    """Tell whether the engine takes Amount and amount for one column."""
    return frame.implementation.is_duckdb() or frame.implementation.is_spark_like()


def _check_column_names(native, what):
    names = getattr(native, "column_names", None)  # pyarrow has its data as `columns`
    if names is None:
        # A lazy polars frame has different names, and would have to work them out.
        lazy = hasattr(native, "collect_schema")
        names = [] if lazy else getattr(native, "columns", [])
    names = list(names)
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise SchemaError(
            f"Columns of {what[0].lower()}{what[1:]} must have different names. Got "
            f"{twice} more than once instead. Rename or drop the copies."
        )


def _numbered(frame):
    return frame.collect().with_row_index(ROW).lazy()


def _run_part(part, *, function, plan):
    """Run a function on one part of a Dask frame."""
    frame = nw.from_native(part.reset_index(drop=True)).lazy()
    return function(frame, **plan).collect().to_native().reset_index(drop=True)


def _collect(frame):
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def _joined(parts):
    """Put figures of parts together."""
    rows = [one.rows(named=True)[0] for one in parts]
    found = {}
    for name in rows[0]:
        stem, _, how = name.rpartition("_")
        values = [_plain(row[name]) for row in rows]
        values = [value for value in values if value is not None]
        found[stem] = _TOGETHER[how](values) if values else None
    return found


def _plain(value):
    """Return a figure as a plain Python value, None where there is none."""
    if value is None or value != value:  # NaN and NaT differ from themselves
        return None
    if hasattr(value, "as_py"):
        value = value.as_py()
    elif hasattr(value, "item"):
        value = value.item()
    whole = getattr(value, "to_integral_value", None)  # DuckDB sums whole numbers so
    return int(value) if whole is not None else value


def _arrow_to_pandas(table):
    """Make a pandas frame of a pyarrow table, of types that have gaps and days."""
    import pandas as pd
    import pyarrow as pa

    bits = (8, 16, 32, 64)
    kinds = {getattr(pa, f"int{n}")(): getattr(pd, f"Int{n}Dtype")() for n in bits}
    kinds |= {getattr(pa, f"uint{n}")(): getattr(pd, f"UInt{n}Dtype")() for n in bits}
    kinds |= {pa.bool_(): pd.BooleanDtype(), pa.date32(): pd.ArrowDtype(pa.date32())}
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            numbers = table.column(place).cast(pa.float64())
            table = table.set_column(place, field.name, numbers)
        elif pa.types.is_date64(field.type):
            dates = table.column(place).cast(pa.date32())
            table = table.set_column(place, field.name, dates)
    return nw.from_native(table.to_pandas(types_mapper=kinds.get), eager_only=True)


def _pandas_to_arrow(frame, fields):
    """Make a pyarrow table; one that has all columns given has their types again."""
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    same = set(fields.names) <= set(table.column_names)
    for place, field in enumerate(table.schema):
        known = same and fields.get_field_index(field.name) >= 0
        wanted = fields.field(field.name).type if known else _plain_text(field.type)
        kinds = pa.types
        settled = kinds.is_integer(field.type) and kinds.is_floating(wanted)  # ids
        if wanted != field.type and not kinds.is_decimal(wanted) and not settled:
            with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
                column = table.column(place).cast(wanted)
                table = table.set_column(place, field.name, column)
    return table


def _plain_text(kind):
    import pyarrow as pa

    return pa.string() if pa.types.is_large_string(kind) else kind
