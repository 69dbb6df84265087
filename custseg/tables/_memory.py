"""Tables held in memory as pandas or polars frames, and given back as they came."""

from functools import partial

import narwhals as nw

from custseg.tables._open import is_dask, open_table

__all__ = ["hold"]


def hold(native, what):
    """Read a table of any engine whole.

    Parameters
    ----------
    native : frame
        As `open_table` takes it.
    what : str
        What to call it in errors.

    Returns
    -------
    frame : narwhals.DataFrame
        Of polars for a polars frame, else of pandas.
    give_back : callable
        Makes the kind of table that was given of such a frame.
    ordered : bool
        Whether rows have positions.

    Raises
    ------
    TypeError
        If it is of another kind.
    SchemaError
        If two columns have one name.
    """
    table = open_table(native, what)
    if is_dask(native):
        frame = nw.from_native(native.compute().reset_index(drop=True), eager_only=True)
        return frame, _to_dask, False
    given = nw.from_native(native)
    engine = given.implementation
    if engine.is_pandas() or engine.is_polars():
        lazy = isinstance(given, nw.LazyFrame)
        give_back = _to_lazy if lazy else _to_native
        return table.frame.collect(), give_back, True
    arrow = given.lazy().collect(backend="pyarrow").to_native()
    to_kind = _to_arrow
    if engine.is_duckdb():
        to_kind = partial(_to_duckdb, native)
    elif engine.is_spark_like():
        to_kind = partial(_to_spark, native, arrow.schema)
    return (
        _as_pandas(arrow, what),
        partial(_through_arrow, arrow.schema, to_kind),
        (table.ordered),
    )


def _to_native(frame):
    return nw.maybe_reset_index(frame).to_native()


def _to_lazy(frame):
    return frame.lazy().to_native()


def _to_dask(frame):
    import dask.dataframe

    return dask.dataframe.from_pandas(_to_native(frame), npartitions=1)


def _as_pandas(arrow, what):
    """Make a pandas frame; whole numbers and truth values with gaps stay such."""
    import pyarrow as pa

    frame = open_table(arrow, what).frame.collect().to_native()
    flags = [field.name for field in arrow.schema if pa.types.is_boolean(field.type)]
    return nw.from_native(
        frame.astype(dict.fromkeys(flags, "boolean")), eager_only=True
    )


def _through_arrow(fields, to_kind, frame):
    """Give back a pandas frame by way of pyarrow; text has the type that it had."""
    import pyarrow as pa

    table = pa.Table.from_pandas(_to_native(frame), preserve_index=False)
    table = table.replace_schema_metadata()
    for place, field in enumerate(table.schema):
        wanted = field.type
        if pa.types.is_null(wanted) or _is_text(wanted):
            known = fields.get_field_index(field.name) >= 0
            wanted = fields.field(field.name).type if known else pa.string()
        if wanted != field.type:
            column = table.column(place).cast(wanted)
            table = table.set_column(place, field.name, column)
    return to_kind(table)


def _is_text(kind):
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _to_arrow(table):
    return table


def _to_duckdb(native, table):
    """Make a relation of the connection that the given one has."""
    # DuckDB finds `table` by its name among the variables here.
    return native.query("_custseg_given", 'select * from "table"')


def _to_spark(native, fields, table):
    from pyspark.sql.pandas.types import from_arrow_type
    from pyspark.sql.types import StructField, StructType

    schema = []
    for field in table.schema:
        known = fields.get_field_index(field.name) >= 0
        same = known and fields.field(field.name).type == field.type
        kind = native.schema[field.name].dataType if same else None
        kind = from_arrow_type(field.type) if kind is None else kind
        schema.append(StructField(field.name, kind))
    columns = [column.to_pylist() for column in table.columns]
    rows = list(zip(*columns, strict=True))
    return native.sparkSession.createDataFrame(rows, StructType(schema))
