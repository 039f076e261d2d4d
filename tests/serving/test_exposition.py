import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.exposition import Family, Histogram, exponential, merged


def write(family):
    lines = []
    family.write(lines)
    return lines


def test_exponential_limits():
    assert exponential(1, 2, 4) == [1, 2, 4, 8]
    latency = exponential(10, 1.8, 33)
    assert len(latency) == 33
    # As TensorFlow Serving's pages have them, and dashboards name them.
    assert [f"{limit:g}" for limit in latency[:3]] == ["10", "18", "32.4"]
    assert "708235" in [f"{limit:g}" for limit in latency]


def test_writes_a_histogram():
    family = Family(":a:latency", "How long.", ("name",), [1.0, 10.0])
    for value in (0.5, 1, 2, 200):
        family.histogram("x").add(value)
    assert write(family) == [
        "# HELP :a:latency How long.",
        "# TYPE :a:latency histogram",
        ':a:latency_bucket{name="x",le="1"} 2',
        ':a:latency_bucket{name="x",le="10"} 3',
        ':a:latency_bucket{name="x",le="+Inf"} 4',
        ':a:latency_sum{name="x"} 203.5',
        ':a:latency_count{name="x"} 4',
    ]


def test_writes_numbers_of_both_kinds():
    count, gauge = Family(":a:count", "Counts.", ("x", "y")), Family("b", "Goes.", kind="gauge")
    count.add(2, "one", 1)
    count.add(3, "one", 1)
    gauge.add(0.5)
    assert write(count)[1:] == ["# TYPE :a:count counter", ':a:count{x="one",y="1"} 5']
    assert write(gauge)[1:] == ["# TYPE b gauge", "b{} 0.5"]


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "ä", '\\"', "a}b,c=d"])
def test_any_label_value_is_read_back(name):
    family = Family("a_total", "Counts.", ("name",))
    family.add(1, name)
    (read,) = text_string_to_metric_families("\n".join(write(family)) + "\n")
    assert [sample.labels for sample in read.samples] == [{"name": name}]


def test_keeps_the_newest_cells():
    family = Family("a", "Counts.", ("name",), most=2)
    for name in ("one", "two", "three"):
        family.add(1, name)
    family.add(1, "two")
    assert family.cells == {("two",): 2, ("three",): 1}


def test_merges_histograms():
    one, two = Histogram([1, 2]), Histogram([1, 2])
    one.add(1)
    two.add(2)
    two.add(3)
    one.merge(two)
    assert (one.counts, one.total, two.counts) == ([1, 1, 1], 6, [0, 1, 1])


def test_pages_of_several_processes_are_added_up():
    pages = []
    for name, values in (("x", (0.5, 20)), ("y z", (2,)), ("x", (1.5,))):
        count, latency = Family(":a:count", "Counts.", ("name",)), Family("b", "How long.", ("name",), [1.0, 10.0])
        for value in values:
            count.add(1, name)
            latency.histogram(name).add(value)
        pages.append("\n".join([*write(count), *write(latency), ""]).encode())
    page = merged(pages).decode()
    assert page.splitlines()[:4] == [
        "# HELP :a:count Counts.",
        "# TYPE :a:count counter",
        ':a:count{name="x"} 3',
        ':a:count{name="y z"} 1',
    ]
    histogram = next(family for family in text_string_to_metric_families(page.replace(":a:", "")) if family.name == "b")
    assert {(sample.name, *sample.labels.values()): sample.value for sample in histogram.samples} == {
        ("b_bucket", "x", "1"): 1,
        ("b_bucket", "x", "10"): 2,
        ("b_bucket", "x", "+Inf"): 3,
        ("b_sum", "x"): 22,
        ("b_count", "x"): 3,
        ("b_bucket", "y z", "1"): 0,
        ("b_bucket", "y z", "10"): 1,
        ("b_bucket", "y z", "+Inf"): 1,
        ("b_sum", "y z"): 2,
        ("b_count", "y z"): 1,
    }
