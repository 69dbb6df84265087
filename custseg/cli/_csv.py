"""CSV files: encoding, separator and decimal sign found in the file itself."""

import csv
import gzip
import re
from itertools import islice
from typing import NamedTuple

import pandas as pd

from custseg.cli._terminal import counted, listed
from custseg.cli._values import SIGN_NAMES
from custseg.exceptions import SchemaError

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_ENCODINGS = {
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252 (Latin-1)",
}
_LINES_TO_LOOK_AT = 200
# First bytes of files that people rename to .csv, and what those are.
_NO_TEXT = {
    b"PK\x03\x04": "an Excel workbook or another archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip archive",
}
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(?:,\d+)?")
_THOUSANDS_POINT = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
_THOUSANDS_COMMA = re.compile(r"[+-]?\d{1,3}(?:,\d{3})*")


class CsvForm(NamedTuple):
    """How a CSV file is written.

    Attributes
    ----------
    path : str
    encoding : str
    separator : str
    names : list of str
        Of the columns, without blanks at the ends.
    decimal : {".", ","}
    fractions : bool
        Whether there are numbers with decimals.
    doubts : list of str
        What may have been read otherwise than it was meant.
    """

    path: str
    encoding: str
    separator: str
    names: list
    decimal: str = "."
    fractions: bool = False
    doubts: list = ()

    def __str__(self):
        return (
            f"CSV, {_ENCODINGS[self.encoding]}, separator {_SEPARATORS[self.separator]}"
            + f", decimal {SIGN_NAMES[self.decimal]}" * self.fractions
        )

    def read(self, columns=None, **options):
        """Read all columns, or some by name, in the order of the file."""
        positions = range(len(self.names))
        if columns is not None:
            positions = [self.names.index(name) for name in columns]
        return pd.read_csv(
            self.path,
            sep=self.separator,
            encoding=self.encoding,
            decimal=self.decimal,
            header=0,
            names=self.names,
            usecols=list(positions),
            index_col=False,
            skipinitialspace=True,
            low_memory=False,
            **options,
        )


def read_csv(path):
    """Read a CSV file whose form is not known.

    Parameters
    ----------
    path : str
        A name that ends in ``.gz`` is unpacked.

    Returns
    -------
    form : CsvForm
    table : DataFrame

    Raises
    ------
    SchemaError
        If the file is empty, is no text, has no line of distinct column names, has
        lines of another length than the first, or has no rows.
    """
    encoding = _encoding(path)
    with _open(path, encoding) as file:
        first = [line for line in islice(file, _LINES_TO_LOOK_AT) if line.strip()]
    if not first:
        raise SchemaError(
            f"{path} must start with a line of column names. Got an empty file instead."
        )
    separator = max(_SEPARATORS, key=lambda one: _fit(first, one))
    form = CsvForm(path, encoding, separator, _names(path, first, separator))
    try:
        _check_lines(form)
        table = form.read()
        if _has_decimal_commas(table):
            form = form._replace(decimal=",")
            table = form.read()
        form = form._replace(
            fractions=any(_has_fractions(table[name]) for name in table.columns),
            doubts=_doubts(form, table),
        )
    except (csv.Error, pd.errors.ParserError) as error:
        raise SchemaError(
            f"{path} must be a CSV file. Got one that cannot be read instead "
            f"({error}). Look for a quotation mark that is never closed."
        ) from error
    return form, table


def _open(path, encoding):
    opener = gzip.open if path.endswith(".gz") else open
    return opener(path, "rt", encoding=encoding, newline="")


def _encoding(path):
    """Find the encoding: a byte order mark, else UTF-8 if it decodes, else 1252."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        start = file.read(4096)
    for magic, what in _NO_TEXT.items():
        if start.startswith(magic):
            raise SchemaError(
                f"{path} must be a CSV file. Got {what} instead. Save it as CSV, or "
                "give the file the ending that says what it is (.parquet, .csv.gz)."
            )
    if start.startswith(b"\xef\xbb\xbf"):
        candidates = ["utf-8-sig"]
    elif start.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = ["utf-16"]
    else:
        candidates = [] if b"\0" in start else ["utf-8", "cp1252"]
    for encoding in candidates:
        if _decodes(path, encoding):
            return encoding
    raise SchemaError(
        f"{path} must be text in UTF-8, UTF-16 or Windows-1252. Got bytes that are "
        "none of these instead. Save the file as UTF-8."
    )


def _decodes(path, encoding):
    try:
        with _open(path, encoding) as file:
            while file.read(1 << 20):
                pass
    except UnicodeError:
        return False
    return True


def _fit(lines, separator):
    """Sort key of a separator: splits the first line, and the others alike."""
    try:
        rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        lengths = [len(row) for row in rows if row]
    except csv.Error:
        return False, 0.0, 0
    n = lengths[0]
    return n > 1, lengths.count(n) / len(lengths), n


def _names(path, lines, separator):
    """Names of the columns, or what is wrong with the first line."""
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    names = [name.strip() for name in next(row for row in rows if row)]
    if all(_is_number(name) for name in names):
        raise SchemaError(
            f"{path} must start with a line of column names. Got a first line of "
            "numbers instead. Add a line of names, separated by one of "
            f"{', '.join(_SEPARATORS.values())}."
        )
    if len(names) == 1:
        _refuse_other_separators(path, lines)
    names = [name or f"column {i}" for i, name in enumerate(names, start=1)]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise SchemaError(
            f"{path} must have a different name for each column. Got {listed(twice)} "
            "more than once instead. Rename the others."
        )
    return names


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refuse_other_separators(path, lines):
    """Refuse one column that some other sign would split into several."""
    for sign in ":^~#¦ ":
        lengths = {len(line.split(None if sign == " " else sign)) for line in lines}
        if len(lengths) == 1 and lengths != {1} and len(lines) > 1:
            raise SchemaError(
                f"{path} must have its columns separated by one of "
                f"{', '.join(_SEPARATORS.values())}. Got lines that {sign!r} seems to "
                "separate instead. Save the file with another separator."
            )


def _check_lines(form):
    """Refuse lines that are longer or shorter than the first one, and no lines."""
    n_names, n_rows, wrong = len(form.names), 0, []
    with _open(form.path, form.encoding) as file:
        rows = csv.reader(file, delimiter=form.separator, skipinitialspace=True)
        header = True
        for row in rows:
            if not row:
                continue
            n_rows += 1
            # A separator too many at the end of a line does no harm.
            if len(row) != n_names and not (
                len(row) > n_names and not "".join(row[n_names:]).strip()
            ):
                wrong.append((rows.line_num, len(row)))
            elif header:
                n_rows, header = 0, False
    if wrong:
        line, n_fields = wrong[0]
        others = f" ({counted(len(wrong), 'such line')} in all)" * (len(wrong) > 1)
        raise SchemaError(
            f"{form.path} must have {counted(n_names, 'field')} in each line, as its "
            f"first line has. Got {n_fields} in line {line}{others} instead. Mend the "
            "line, or put fields that contain a "
            f"{_SEPARATORS[form.separator]} in quotation marks."
        )
    if not n_rows:
        raise SchemaError(
            f"{form.path} must have one row a customer, or one a line of an order, "
            "below its names. Got no row instead."
        )


def _has_decimal_commas(table):
    """Whether a text column holds numbers whose commas cannot mark thousands."""
    return any(
        _is_with_decimal_commas(table[name].dropna().unique())
        for name in table.columns
        if not pd.api.types.is_numeric_dtype(table[name])
    )


def _has_fractions(column):
    if not pd.api.types.is_float_dtype(column):
        return False
    return bool((column.dropna() % 1 != 0).any())


def _doubts(form, table):
    """Name numbers whose points all stand before three digits, as thousands' do.

    With a comma between the columns a point marks decimals; with another sign there
    the file may come from where it marks thousands.
    """
    if form.decimal == "," or form.separator == ",":
        return []
    names = [
        name
        for name in table.columns
        if pd.api.types.is_float_dtype(table[name])
        and (table[name].dropna().abs() < 1000).all()
    ]
    text = form.read(names, dtype=str) if names else {}
    names = [name for name in names if _may_have_thousands(text[name])]
    if not names:
        return []
    return [
        f"{listed(names)} of {form.path}: each point stands before exactly three "
        "digits, and was read as a decimal point (1.234 is a little over one). If "
        "points mark thousands there, write the numbers without them."
    ]


def _may_have_thousands(column):
    pointed = [value for value in column.dropna().unique() if "." in value]
    return bool(pointed) and all(
        _THOUSANDS_POINT.fullmatch(value.strip()) for value in pointed
    )


def _is_with_decimal_commas(values):
    if not all(isinstance(value, str) for value in values):
        return False
    values = [value.strip() for value in values]
    return all(map(_DECIMAL_COMMA.fullmatch, values)) and not all(
        map(_THOUSANDS_COMMA.fullmatch, values)
    )
