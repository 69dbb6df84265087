"""Fitted models frozen to arrays: answers in microseconds, with NumPy alone.

`custseg.compile_scorer` makes a `Scorer` of a fitted model; `load_scorer` reads one
that was saved. Neither this package nor a scorer imports scikit-learn, pandas or SciPy.
"""

from custseg.scoring._file import load_scorer as load_scorer
from custseg.scoring._scorer import Scorer as Scorer

__all__ = [name for name in dir() if not name.startswith("_")]
