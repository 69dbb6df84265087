"""The shared words of the stages: columns, levels, what a column is for.

A customer table comes in as any frame or array and becomes a list of `Column`; after
that no stage asks again which library it came from. `Levels` are the levels known of
a column and the code of each. One definition serves all stages:

- a level is text in Unicode NFC without spaces at its ends; 1, 1.0, ``Decimal("1.0")``
  and "1" are one level, and yes or no is "True" or "False";
- missing is None, NaN or a frame library's own mark; a blank text is missing where
  levels are read; the text "nan" is a level;
- an identifier is recognised by its name and its values, see `is_identifier`.

`check_customers` looks a table over before anything is learned from it, and
`propose_roles` proposes what each column is for (`custseg.features.infer_roles`). The
names that scoring needs come from modules that import NumPy alone; the others are
imported when they are first asked for.
"""

from importlib import import_module

# What this stage offers to users and, below, to the other stages.
_PUBLIC = {
    "CustomerCheck": "_check_customers",
    "check_customers": "_check_customers",
}
_FOR_STAGES = {
    "Column": "_border",
    "check_observed": "_border",
    "level_codes": "_border",
    "numbers": "_border",
    "read_column": "_border",
    "read_columns": "_border",
    "split_table": "_border",
    "as_number": "_core",
    "is_missing": "_core",
    "EXACT_INTEGERS": "_core",
    "Levels": "_core",
    "MISSING": "_core",
    "MISSING_CODE": "_core",
    "OTHER": "_core",
    "UNSEEN_CODE": "_core",
    "count_unseen": "_core",
    "counted": "_core",
    "level_text": "_core",
    "level_texts": "_core",
    "looks_like_dates": "_core",
    "looks_numeric": "_core",
    "order_texts": "_core",
    "pool_levels": "_core",
    "refuse_numeric_text": "_border",
    "check_names": "_core",
    "check_output_names": "_core",
    "each_once": "_core",
    "quoted": "_core",
    "refuse": "_core",
    "refuse_column": "_core",
    "ID_WORDS": "_identifiers",
    "id_rank": "_identifiers",
    "is_id_name": "_identifiers",
    "is_identifier": "_identifiers",
    "name_parts": "_identifiers",
    "words_of": "_name_words",
    "facts_of": "_facts",
    "Role": "_column_roles",
    "propose_roles": "_column_roles",
    "ColumnFacts": "_facts",
    "period_by_name": "_name_words",
    "numbers_as_text": "_facts",
    "log_unit": "_skewness",
    "mean_and_sd": "_skewness",
    "signed_log": "_skewness",
    "tail_skewness": "_skewness",
}
_HOME = {**_PUBLIC, **_FOR_STAGES}

__all__ = sorted(_PUBLIC)


def __getattr__(name):
    """Import a name from its module when it is first asked for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'custseg.columns' has no attribute {name!r}")
    value = getattr(import_module(f"custseg.columns.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
