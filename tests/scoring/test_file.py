"""A scorer in a file: whole, without code, and read by NumPy alone."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer

from custseg import (
    BehaviouralTransformer,
    DemographicTransformer,
    DiscriminantAssigner,
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
    SegmentationModel,
    compile_scorer,
)
from custseg.exceptions import ModelFileError
from custseg.scoring import _file, load_scorer


def clients(n=300):
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, n)
    table = pd.DataFrame(
        {
            "orders": 1.0 + 5 * groups + rng.poisson(2, n),
            "spend": (1 + 4 * groups) * rng.gamma(5, 10, n),
            "city": rng.choice(["Évry", "Nice", "Metz", None], n),
        }
    )
    return table, np.array(["low", "mid", "high"])[groups]


def roads():
    table, names = clients()
    numbers = table[["orders", "spend"]]
    scaled = BehaviouralTransformer()
    model = SegmentationModel(
        make_pipeline(scaled, KMeansSegmenter(3, random_state=0)),
        make_pipeline(DemographicTransformer(), DiscriminantAssigner()),
        basis=["orders", "spend"],
        descriptors=["orders", "city"],
        reject_alpha=0.1,
        calibration="isotonic",
        random_state=0,
    )
    apart = SegmentationModel(
        make_pipeline(scaled, KMeansSegmenter(2, random_state=0)),
        DiscriminantAssigner("quadratic"),
        basis=["orders", "spend"],
        split_by="tier",
        random_state=0,
    )
    types = table.assign(tier=np.where(table["orders"] > 6, "a", "b"))
    forest = RandomForestClassifier(5, random_state=0)
    return {
        "model": (model.fit(table).name_segments({0: "Nord & Süd"}), table),
        "types": (apart.fit(types), types),
        "hierarchy": (
            make_pipeline(scaled, HierarchicalSegmenter(3)).fit(numbers),
            numbers,
        ),
        "mixture": (
            make_pipeline(scaled, GaussianMixtureSegmenter(2)).fit(numbers),
            numbers,
        ),
        "names": (
            make_pipeline(PowerTransformer(), forest).fit(numbers, names),
            numbers,
        ),
        "levels": (
            make_pipeline(DemographicTransformer(), DiscriminantAssigner()).fit(
                table[["city", "orders"]], names
            ),
            table[["city", "orders"]],
        ),
    }


@pytest.fixture(
    scope="module", params=["model", "types", "hierarchy", "mixture", "names", "levels"]
)
def road(request):
    return roads()[request.param]


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "segments.scorer"
    model, _ = roads()["model"]
    compile_scorer(model).save(path)
    return path


class TestRoundTrip:
    def test_answers(self, road, tmp_path):
        model, table = road
        scorer, path = compile_scorer(model), tmp_path / "any name"
        scorer.save(path)
        loaded = load_scorer(path)
        assert loaded.columns == scorer.columns
        assert loaded.segment_ids == scorer.segment_ids
        assert loaded.segment_names == scorer.segment_names
        np.testing.assert_array_equal(loaded.predict(table), model.predict(table))
        row = table.astype(object).where(table.notna(), None).to_dict("records")[3]
        assert loaded.predict_one(row) == scorer.predict_one(row)
        assert loaded.assign_one(row) == scorer.assign_one(row)
        if hasattr(model, "predict_proba"):
            np.testing.assert_array_equal(
                loaded.predict_proba(table), scorer.predict_proba(table)
            )

    def test_same_bytes(self, road, tmp_path):
        scorer = compile_scorer(road[0])
        scorer.save(tmp_path / "one")
        scorer.save(str(tmp_path / "two"))
        load_scorer(tmp_path / "one").save(tmp_path / "three")
        contents = {path.read_bytes() for path in tmp_path.iterdir()}
        assert len(list(tmp_path.iterdir())) == 3
        assert len(contents) == 1

    def test_replaces(self, saved):
        model = KMeansSegmenter(2, random_state=0).fit([[1.0], [2.0], [8.0], [9.0]])
        compile_scorer(model).save(saved)
        assert load_scorer(saved).columns == ("x0",)

    def test_there_is_no_code_in_it(self, saved):
        content = saved.read_bytes()
        assert b"sklearn" not in content
        assert b"custseg." not in content
        start = len(b"custseg scorer\n") + 32
        length = int.from_bytes(content[start : start + 8], "little")
        header = json.loads(content[start + 8 : start + 8 + length])
        assert set(header) == {"version", "scorer", "arrays"}
        assert {dtype for dtype, _, _ in header["arrays"]} <= {"<f8", "<i8", "|b1"}


class TestDamage:
    def refused(self, path, said):
        with pytest.raises(ModelFileError, match=re.escape(said)):
            load_scorer(path)

    def test_every_flipped_byte(self, saved):
        content = bytearray(saved.read_bytes())
        for place in np.linspace(0, len(content) - 1, 60).astype(int):
            content[place] ^= 1
            saved.write_bytes(content)
            with pytest.raises(ModelFileError):
                load_scorer(saved)
            content[place] ^= 1
        saved.write_bytes(content)
        load_scorer(saved)

    def test_truncated(self, saved):
        content = saved.read_bytes()
        for length in (0, 5, 20, 60, 200, len(content) - 1):
            saved.write_bytes(content[:length])
            with pytest.raises(ModelFileError):
                load_scorer(saved)

    def test_another_file(self, tmp_path):
        path = tmp_path / "model.joblib"
        path.write_bytes(b"\x80\x04something else")
        said = "must be a scorer. Got another kind of file instead. Give a file that"
        self.refused(path, said)

    def test_later_version(self, saved):
        import hashlib

        content = saved.read_bytes()
        magic = len(b"custseg scorer\n")
        body = content[magic + 32 :].replace(b'"version": 1', b'"version": 7')
        checksum = hashlib.sha256(body).digest()
        saved.write_bytes(content[:magic] + checksum + body)
        said = "must be of version 1 or earlier. Got version 7 instead."
        self.refused(saved, said)

    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            load_scorer(tmp_path / "nothing")
        scorer = compile_scorer(KMeansSegmenter(2).fit([[1.0], [2.0], [8.0]]))
        with pytest.raises(FileNotFoundError):
            scorer.save(tmp_path / "no folder" / "segments.scorer")

    def test_a_save_that_fails_leaves_what_was_there(self, saved, monkeypatch):
        before = saved.read_bytes()
        scorer = compile_scorer(KMeansSegmenter(2).fit([[1.0], [2.0], [8.0]]))

        def full(descriptor):
            raise OSError("no space left")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="no space left"):
            scorer.save(saved)
        assert saved.read_bytes() == before
        assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_needs_numpy_alone(saved):
    """Loading and answering import none of the libraries that models stand on."""
    program = f"""
import sys
from custseg.scoring import load_scorer
scorer = load_scorer({str(saved)!r})
print(scorer.predict_one({{"orders": 4, "city": "Nice"}}))
print(scorer.assign_one({{"orders": 4, "city": None}})["segment"])
print(scorer.predict({{"orders": [4.0, 9.0], "city": ["Nice", "Metz"]}}).tolist())
print(scorer.predict_proba([{{"orders": 4, "city": "Nice"}}]).tolist())
heavy = "sklearn", "pandas", "scipy", "narwhals", "polars", "joblib", "matplotlib"
ours = "custseg.cluster", "custseg.features", "custseg.assignment", "custseg.tables"
print([name for name in (*heavy, *ours) if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    one, unknown, both, probabilities, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    here = load_scorer(saved)
    assert int(one) == here.predict_one({"orders": 4, "city": "Nice"})
    assert int(unknown) == here.predict_one({"orders": 4, "city": None})
    table = {"orders": [4.0, 9.0], "city": ["Nice", "Metz"]}
    assert json.loads(both) == here.predict(table).tolist()
    np.testing.assert_allclose(
        json.loads(probabilities)[0],
        here.predict_proba_one({"orders": 4, "city": "Nice"}),
        rtol=1e-15,
    )


def test_every_kind_of_step_is_found_by_a_reader():
    """In a fresh interpreter only the modules that a scorer imports are there."""
    folder = Path(_file.__file__).parent
    with_steps = {
        path.stem for path in folder.glob("_*.py") if "\n@record\n" in path.read_text()
    }
    assert with_steps - {"_columns", "_road"} == set(_file._STEPS)
