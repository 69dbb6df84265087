"""Tables in files, by their endings, and the files that a command writes."""

import importlib.util
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from custseg.cli._csv import read_csv
from custseg.cli._terminal import counted
from custseg.exceptions import SchemaError

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz")
# What programs write for a missing id. "NA" is not among them: it may be an id.
_NO_ID = {"", "nan", "NaN", "None", "<NA>", "NaT", "NULL", "null", "N/A", "#N/A", "n/a"}


class TableFile(NamedTuple):
    """A table as it was read.

    Attributes
    ----------
    path : str
    frame : DataFrame
        Numbers as numbers, all else as text.
    found : str
        How the file is written, and how large it is.
    read_text : callable
        Takes the name of a column, returns its values as they stand in the file.
    decimal : {".", ","}
        Decimal sign.
    doubts : list of str
        What may have been read otherwise than it was meant.
    """

    path: str
    frame: pd.DataFrame
    found: str
    read_text: Any
    decimal: str = "."
    doubts: Any = ()

    def text(self, name):
        """Read a column as text, without blanks at the ends, missing ones as None.

        Zeros in front of an id and digits beyond the precision of a float stay.
        """
        values = self.read_text(name).astype(object)
        values = [None if pd.isna(value) else str(value).strip() for value in values]
        values = [None if value in _NO_ID else value for value in values]
        return pd.Series(values, index=self.frame.index, name=name, dtype=object)

    def __str__(self):
        return f"{self.path} ({self.found})"


def read_table(path):
    """Read a table from a Parquet file (``.parquet``, ``.pq``) or a CSV file.

    Parameters
    ----------
    path : str

    Returns
    -------
    TableFile
        Without rows in which every value is missing.

    Raises
    ------
    SchemaError
        If the file cannot be read as a table of at least one row.
    OSError
        If there is no such file.
    """
    check_is_file(path)
    read = _read_parquet if _is_parquet(path) else _read_csv
    frame, form, read_text = read(path)
    full = frame.notna().any(axis=1)
    if not full.any():
        raise SchemaError(
            f"{path} must have one row a customer, or one a line of an order. Got "
            f"{counted(len(frame), 'row')} with a value instead."
            if frame.empty
            else f"{path} must have values. Got {counted(len(frame), 'row')} without "
            "any instead."
        )
    found = f"{form}; {counted(int(full.sum()), 'row')}"
    found += f", {counted(frame.shape[1], 'column')}"
    if not full.all():
        found += f"; {counted(int((~full).sum()), 'empty row')} left out"
    frame = frame[full].reset_index(drop=True)
    return TableFile(
        path,
        frame,
        found,
        lambda name: read_text(name)[full.to_numpy()],
        decimal=getattr(form, "decimal", "."),
        doubts=getattr(form, "doubts", ()),
    )


def check_is_file(path):
    """Refuse a name that is no file's, saying whether it is a folder's."""
    if Path(path).is_dir():
        raise IsADirectoryError(f"{path} is a folder. Name a file in it.")
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"There is no file {path}. Check its name, and the folder you are in."
        )


def write_table(frame, path):
    """Write a table as Parquet or CSV, by the ending of the name."""
    if _is_parquet(path):
        _check_pyarrow(path)
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)


def check_ending(path):
    """Refuse to write a table to a name whose ending says that it is something else."""
    if not str(path).lower().endswith((*_CSV, *_PARQUET)):
        raise SchemaError(
            f"--out must end in {', '.join(_CSV)} or {_PARQUET[0]}, the kinds of table "
            f"that are written. Got {str(path)!r} instead. Spreadsheets open .csv."
        )


def check_outputs(paths, force, inputs=()):
    """Refuse, before any work, to write over inputs, and over other files unasked.

    Parameters
    ----------
    paths : list of path
        All files that will be written.
    force : bool
        Whether to write over files that are there.
    inputs : list of path or None
        Files that are read.

    Raises
    ------
    OSError
        If a file may not be written.
    SchemaError
        If it is a Parquet file and pyarrow is absent.
    """
    paths = [Path(path) for path in paths]
    read = {Path(path).resolve() for path in inputs if path}
    for path in paths:
        if path.resolve() in read:
            raise FileExistsError(
                f"Results must not overwrite what they are made from. Got {path} for "
                "both instead. Choose another --out."
            )
        if path.is_dir() or any(parent.is_file() for parent in path.parents):
            raise FileExistsError(
                f"Results must go to new files in folders. Got a "
                f"{'folder' if path.is_dir() else 'file'} in the place of {path} "
                "instead. Choose another --out."
            )
        if _is_parquet(path):
            _check_pyarrow(path)
    existing = [str(path) for path in paths if path.exists()]
    if existing and not force:
        raise FileExistsError(
            f"Results must not overwrite others. Got {', '.join(existing)} there "
            "already. Choose another --out, or pass --force."
        )


def _is_parquet(path):
    return str(path).lower().endswith(_PARQUET)


def _read_csv(path):
    form, frame = read_csv(path)

    def read_text(name):
        text = form.read([name], dtype=str, keep_default_na=False, na_filter=False)
        return text[name]

    return frame, form, read_text


def _check_pyarrow(path):
    if importlib.util.find_spec("pyarrow") is None:
        raise SchemaError(
            f"{path} must be a CSV file where pyarrow is not installed. Got a Parquet "
            'file instead. Install it: pip install "custseg[parquet]".'
        )


def _read_parquet(path):
    _check_pyarrow(path)
    import pyarrow

    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except pyarrow.ArrowException as error:
        raise SchemaError(
            f"{path} must be a Parquet file. Got one that cannot be read instead "
            f"({error})."
        ) from error
    if frame.index.names != [None]:
        frame = frame.reset_index()
    frame = frame.rename(columns=str).reset_index(drop=True)
    if not frame.columns.is_unique:
        raise SchemaError(
            f"{path} must have a different name for each column. Got "
            f"{list(frame.columns[frame.columns.duplicated()])} more than once instead."
        )
    for name in frame.columns:
        if _holds_decimals(frame[name]):
            frame[name] = frame[name].astype(float)
    return frame, "Parquet", partial(_text_of_column, frame)


def _holds_decimals(column):
    known = column.dropna() if column.dtype == object else []
    return len(known) > 0 and isinstance(known.iloc[0], Decimal)


def _text_of_column(frame, name):
    """Write whole numbers without the decimals that missing ones gave them."""
    column = frame[name]
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype(object)
