"""Names of segments in plain words."""

import re

import numpy as np
import pandas as pd
import pytest

from custseg import KMeansSegmenter
from custseg.datasets import load_wholesale
from custseg.profile import profile_segments


def names_of(table, labels, **options):
    return profile_segments(pd.DataFrame(table), labels).suggest_names(**options)


def test_strongest_traits_first():
    # visits part the segments fully; spend swaps one customer of each.
    table = {"spend": [1, 2, 9, 3, 8, 7], "visits": [1, 2, 3, 7, 8, 9]}
    assert names_of(table, [0, 0, 0, 1, 1, 1]) == {
        0: "low visits, low spend",
        1: "high visits, high spend",
    }
    assert names_of(table, [0, 0, 0, 1, 1, 1], max_traits=1) == {
        0: "low visits",
        1: "high visits",
    }


def test_one_extreme_customer_names_no_segment():
    # By means segment 1 is far above, 20,002 against 70; four of its five customers
    # spend least of all.
    spend = [50, 60, 70, 80, 90, 1, 2, 3, 4, 100_000]
    labels = [0] * 5 + [1] * 5
    profile = profile_segments(pd.DataFrame({"spend": spend}), labels)
    means = profile.frame()["value"]
    assert means[1] > means[0]
    assert profile.suggest_names() == {0: "high spend", 1: "low spend"}


def test_near_the_average_in_everything():
    table = {"spend": [1, 2, 3, 1, 2, 3], "city": list("abcabc")}
    names = names_of(table, [0, 0, 0, 1, 1, 1])
    assert names == {0: "average (1)", 1: "average (2)"}
    # Segment 2 has the middle of what the others have the ends of.
    names = names_of({"spend": [1, 2, 9, 10, 1, 2, 9, 10]}, [0, 0, 1, 1, 2, 2, 2, 2])
    assert names == {0: "low spend", 1: "high spend", 2: "average"}


def test_a_name_says_what_a_segment_has_and_not_only_what_it_lacks():
    # Segment 0 lacks a and b most, and has somewhat more of c.
    table = {
        "a": [1, 2, 3, 4, 5, 6, 7, 8],
        "b": [2, 1, 3, 4, 6, 5, 7, 8],
        "c": [3, 4, 7, 8, 1, 2, 5, 6],
    }
    assert names_of(table, [0] * 4 + [1] * 4)[0] == "low a, high c"
    assert names_of(table, [0] * 4 + [1] * 4, max_traits=1)[0] == "low a"


def test_words_for_levels():
    table = {
        "channel": ["retail", "retail", "retail", "hotel", "hotel", "retail"],
        "partner": ["Yes", "Yes", "Yes", "No", "No", "No"],
        "member": [False, False, False, True, True, True],
        "income": ["a", "a", "a", None, None, "a"],
    }
    profile = profile_segments(pd.DataFrame(table), [0, 0, 0, 1, 1, 1])
    names = profile.suggest_names(max_traits=4)
    # channel: 3 of 3 against 1 of 3, the weaker trait.
    assert names[0] == "mostly partner Yes, mostly not member, mostly retail, mostly a"
    assert names[1] == (
        "mostly partner No, mostly member, mostly hotel, mostly without income"
    )


def test_often_is_less_than_half():
    # Rome: 2 of 5 in segment 0 and 1 of 10 in segment 1.
    city = ["Rome", "Rome", "Oslo", "Bern", "Kiel"]
    city += ["Rome", "Oslo", "Oslo", "Oslo", "Bern", "Bern", "Bern", "Kiel", "Kiel"]
    city += ["Kiel"]
    assert names_of({"city": city}, [0] * 5 + [1] * 10)[0] == "often Rome"


def test_dates_are_early_or_late():
    joined = pd.to_datetime(["2020-01-01", "2020-02-01", "2023-01-01", "2023-02-01"])
    names = names_of({"joined": joined}, [0, 0, 1, 1])
    assert names == {0: "early joined", 1: "late joined"}


def test_alike_segments_get_further_traits_and_then_numbers():
    # Segments 0 and 1 are high in a and b; c tells them apart.
    high, low = [8, 9, 8, 9], [1, 2, 1, 2]
    table = {"a": high + low, "b": high + low, "c": [1, 1, 9, 9, 5, 5, 5, 5]}
    labels = [0, 0, 1, 1, 2, 2, 2, 2]
    names = names_of(table, labels, max_traits=1)
    assert len(set(names.values())) == 3
    assert names == {0: "low c", 1: "high c", 2: "low a"}
    del table["c"]
    names = names_of(table, labels)
    assert names == {
        0: "high a, high b (1)",
        1: "high a, high b (2)",
        2: "low a, low b",
    }


def test_names_are_distinct_for_any_labels():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    for k in (2, 5, 12):
        for traits in (1, 2, 3):
            labels = np.arange(60) % k
            names = names_of(table, labels, max_traits=traits)
            assert len(set(names.values())) == k


def test_names_do_not_depend_on_the_unit():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.lognormal(size=(60, 3)), columns=list("abc"))
    labels = np.arange(60) % 3
    assert names_of(table, labels) == names_of(np.log(table) * 1000, labels)


def test_wholesale_segments_are_named_as_a_wholesaler_would():
    clients = load_wholesale()
    spend = clients.columns[2:]
    logs = np.log(clients[spend])
    logs = (logs - logs.mean()) / logs.std(ddof=0)
    segmenter = KMeansSegmenter(2, random_state=0).fit(logs)
    profile = profile_segments(clients, segmenter.labels_, categorical=["Channel"])
    # Channel 2 is retail, channel 1 hotels, restaurants and cafes.
    frame = profile.frame().query("column == 'Channel' and level == '2'")
    cafes, retailers = frame["value"]
    assert cafes < 0.1
    assert retailers > 0.6
    by_spend = profile_segments(clients[spend], segmenter.labels_).suggest_names()
    assert by_spend == {
        0: "low Grocery, high Frozen",
        1: "high Grocery, high Detergents_Paper",
    }
    segmenter = KMeansSegmenter(3, random_state=0).fit(logs)
    by_spend = profile_segments(clients[spend], segmenter.labels_).suggest_names()
    staples = "Milk|Grocery|Detergents_Paper"
    assert re.fullmatch(rf"low ({staples}), high (Fresh|Frozen)", by_spend[0])
    assert re.fullmatch(rf"high ({staples}), high ({staples})", by_spend[1])
    assert re.fullmatch(rf"low (Fresh|Frozen), high ({staples})", by_spend[2])


@pytest.mark.parametrize("max_traits", [0, 1.5, "two"])
def test_max_traits_must_be_a_positive_integer(max_traits):
    profile = profile_segments([[1.0], [2.0]], [0, 1])
    message = f"max_traits must be an integer from 1 up. Got {max_traits!r} instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        profile.suggest_names(max_traits)


def test_a_level_of_two_columns_is_named_with_its_column():
    table = {
        "sofa": ["blue"] * 4 + ["red"] * 4,
        "car": ["grey", "grey", "blue", "green"] * 2,
    }
    names = names_of(table, [0] * 4 + [1] * 4, max_traits=1)
    assert names == {0: "mostly sofa blue", 1: "mostly red"}


def test_the_levels_that_are_left_over_name_nobody():
    # Segment 0 is all of one city; each customer of segment 1 has a city of their own.
    table = {"city": ["Ulm"] * 30 + [f"town {i}" for i in range(30)]}
    names = names_of(table, [0] * 30 + [1] * 30)
    assert names[0] == "mostly Ulm"
    assert "other" not in names[1].lower()
