"""Which column tells customers apart, and whether it does."""

from pandas.api import types

from custseg.cli._terminal import counted, listed
from custseg.cli._values import DATE, NUMBER, is_text, looks_like, numbers_rows
from custseg.columns import ID_WORDS, id_rank, name_parts
from custseg.exceptions import DataQualityError, SchemaError

_PLACES = ("zip", "zipcode", "postcode", "postalcode", "plz", "phone", "phonenumber")


def _is_label(name):
    words = name_parts(name)
    if "".join(words) in _PLACES:
        return False
    return len(words) > 1 and (words[-1] in (*ID_WORDS, "code") or words[0] == "id")


def find_id(file, given=None):
    """Find the column of customer ids and read it as text.

    Parameters
    ----------
    file : TableFile
    given : str or None
        The column that the user names; "" if customers have none.

    Returns
    -------
    name : str or None
    reason : str
    ids : Series of str or None

    Raises
    ------
    SchemaError
        If there is no column of the given name.
    DataQualityError
        If ids are missing or repeat, and no other column has the ids.
    """
    if given == "":
        return None, "customers are numbered by row, from 0", None
    if given is not None:
        if given not in file.frame.columns:
            raise SchemaError(
                f"The customer id must be a column of {file.path}. Got {given!r} "
                "instead. Name it with --id. The columns are "
                f"{listed(file.frame.columns, 40)}."
            )
        ids = file.text(given)
        _check_ids(file, given, ids)
        return given, "as asked", ids
    return _find_by_name(file) or _find_by_values(file)


def check_known(names, columns, option, path="the table"):
    """Refuse names that are no columns of a table."""
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise SchemaError(
            f"{option} must name columns of {path}. Got {listed(unknown)} instead. "
            f"The columns are {listed(columns, 40)}."
        )


def _find_by_name(file):
    """Take the best name of those whose ids are all there and distinct."""
    ranks = {name: id_rank(name) for name in file.frame.columns}
    named = [
        name
        for name in sorted(ranks, key=lambda name: ranks[name] or 0)
        if ranks[name] is not None and _can_be_ids(file.frame[name], ranks[name])
    ]
    texts = {name: file.text(name) for name in named}
    for name, ids in texts.items():
        if not _n_missing_and_repeated(ids)[2]:
            return name, "by its name; a different one in each row", ids
    if named:
        _check_ids(file, named[0], texts[named[0]])
    return None


def _find_by_values(file):
    full = [name for name in file.frame.columns if file.frame[name].notna().all()]
    for name in full:
        column = file.frame[name]
        if _is_label(name) and types.is_integer_dtype(column) and column.is_unique:
            return name, "by its name; a different one in each row", file.text(name)
    for name in full:
        column = file.frame[name]
        if numbers_rows(column):
            return name, "numbers the rows", file.text(name)
        if is_text(column) and column.is_unique and not _reads_otherwise(column):
            return name, "a different text in each row", file.text(name)
    return None, "no column looks like one; customers are numbered by row, from 0", None


def _reads_otherwise(column):
    return looks_like(column, DATE) or looks_like(column, NUMBER)


def _can_be_ids(column, rank):
    """No fractions, no flags; a bare `customer` with two values says yes or no."""
    if types.is_bool_dtype(column) or types.is_datetime64_any_dtype(column):
        return False
    if types.is_float_dtype(column) and (column.dropna() % 1 != 0).any():
        return False
    return rank < 2 or column.nunique() > min(2, len(column) - 1)


def _n_missing_and_repeated(ids):
    missing = int(ids.isna().sum())
    repeated = int(ids.dropna().duplicated().sum())
    return missing, repeated, missing + repeated


def _check_ids(file, name, ids):
    missing, repeated, wrong = _n_missing_and_repeated(ids)
    if wrong:
        raise DataQualityError(
            f"Column {name!r} of {file.path} must have one id a customer, each in one "
            f"row. Got {counted(missing, 'missing id')} and {repeated:,} repeated in "
            f"{counted(len(ids), 'row')} instead. Bring the table to one row a "
            "customer; name another column with --id; or number the rows with --no-id."
            " A table of orders goes to --transactions."
        )
