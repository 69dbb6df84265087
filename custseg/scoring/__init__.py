"""Fitted models frozen to arrays: answers in microseconds, with NumPy alone.

`custseg.compile_scorer` makes a `Scorer` of a fitted model; `load_scorer` reads one
that was saved. Neither this package nor a scorer imports scikit-learn, pandas or SciPy.
"""

from importlib import import_module as _import_module

from custseg.scoring._file import load_scorer as load_scorer
from custseg.scoring._scorer import Scorer as Scorer

# Importing its module registers a step, so that it is known when a file is read.
for _steps in (
    *("_attitudes", "_classes", "_columns", "_derivations", "_derived", "_earth"),
    *("_nested", "_numbers", "_rfm", "_road", "_rules", "_segments", "_shares"),
    *("_silence", "_wants"),
):
    _import_module(f"custseg.scoring.{_steps}")

__all__ = [name for name in dir() if not name.startswith("_")]
