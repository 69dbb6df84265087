"""What a level, a missing value and an identifier are: one answer at every stage."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from custseg import (
    DemographicTransformer,
    LatentClassSegmenter,
    check_customers,
    infer_roles,
    profile_segments,
)
from custseg.cli._column_uses import propose
from custseg.columns import Levels, level_codes, level_text, read_column

COMPOSED, DECOMPOSED = "Caf\u00e9", "Cafe\u0301"
# Cells that are one level, and the level.
SAME = [
    ((COMPOSED, DECOMPOSED, f" {COMPOSED} "), COMPOSED),
    ((1, 1.0, "1", Decimal("1.0"), np.int8(1), np.float32(1), " 1"), "1"),
    ((0.5, Decimal("0.5"), np.float64(0.5), "0.5"), "0.5"),
    ((True, np.True_, "True"), "True"),
    (("nan",), "nan"),
    (("None", "None "), "None"),
]
OTHERS = ["tea", "bar", "inn"]


@pytest.mark.parametrize(("cells", "level"), SAME)
class TestLevels:
    """The cells of a row of `SAME` are one level, by that name."""

    def column(self, cells):
        return pd.Series([*cells, *OTHERS] * 4, dtype=object)

    def test_of_cells(self, cells, level):
        assert {level_text(cell) for cell in cells} == {level}
        known = Levels([level])
        assert [known.code_of("a", cell) for cell in cells] == [0] * len(cells)

    def test_of_a_column(self, cells, level):
        codes, levels = level_codes(read_column("a", self.column(cells)))
        assert levels == sorted([level, *OTHERS])
        assert set(codes[: len(cells)].tolist()) == {levels.index(level)}

    def test_in_features_and_scoring(self, cells, level):
        table = pd.DataFrame({"a": self.column(cells)})
        steps = DemographicTransformer(nominal=("a",)).fit(table)
        assert f"a={level}" in [str(name) for name in steps.get_feature_names_out()]
        Z = np.asarray(steps.transform(table))
        assert np.array_equal(Z[: len(cells)], np.tile(Z[0], (len(cells), 1)))

    def test_in_profiles(self, cells, level):
        table = pd.DataFrame({"a": self.column(cells)})
        profile = profile_segments(table, np.arange(len(table)) % 2)
        assert set(profile.frame()["level"]) == {level, *OTHERS}

    def test_in_latent_classes(self, cells, level):
        table = pd.DataFrame(
            {"a": self.column(cells), "b": ["x", "y"] * (2 * (len(cells) + 3))}
        )
        model = LatentClassSegmenter(1, columns={"a": "categorical"}).fit(table)
        assert list(model.levels_["a"]) == sorted([level, *OTHERS])


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA, pd.NaT, "", "  "])
def test_missing_levels(gap):
    column = read_column("a", pd.Series(["x", gap, "y"], dtype=object))
    codes, levels = level_codes(column)
    assert (codes.tolist(), levels) == ([0, -1, 1], ["x", "y"])
    assert Levels(levels).code_of("a", gap) == -2
    table = pd.DataFrame({"a": ["x", gap, "y"]}, dtype=object)
    described = profile_segments(table, [0] * 3).frame()
    assert described["n_missing"].tolist() == [1] * len(described)


NAMES = [
    "account",
    "kundennummer",
    "customer_id",
    "CustomerID",
    "card_no",
    "Kontonummer",
]


@pytest.mark.parametrize("name", NAMES)
def test_identifiers(name):
    rng = np.random.default_rng(0)
    ids = rng.permutation(200) * 7 + 10_000
    table = pd.DataFrame({name: ids, "spend": rng.gamma(2, 10, 200)})
    assert infer_roles(table).frame()["kind"][0] == "id"
    found = check_customers(table).frame()
    assert found.loc[found["check"] == "identifier", "column"].tolist() == [name]
    assert list(profile_segments(table, ids % 2).left_out) == [name]
    uses = {role.column: role.use for role in propose(table)}
    assert uses == {name: "none", "spend": "basis"}
