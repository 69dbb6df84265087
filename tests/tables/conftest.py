"""Both kinds of frame, made of the same columns."""

import pandas as pd
import polars as pl
import pytest


@pytest.fixture(params=["pandas", "polars"])
def make_frame(request):
    """Give the constructor of one kind of frame."""
    return {"pandas": pd.DataFrame, "polars": pl.DataFrame}[request.param]
