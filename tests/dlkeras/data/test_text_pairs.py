import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.text_pairs import CLASS_NAMES, load_pairs, load_test_pairs

SNLI = "gold_label\tpremise\thypothesis\n"
LABELS = ("entailment", "neutral", "contradiction")


def of(part):
    return [(*texts, int(label)) for texts, label in zip(part.x.tolist(), part.y, strict=True)]


def rows(count, prefix=""):
    return "".join(f"{LABELS[number % 3]}\t{prefix}p{number}\t{prefix}h{number}\n" for number in range(count))


def pairs(count, prefix=""):
    return [(f"{prefix}p{number}", f"{prefix}h{number}", number % 3) for number in range(count)]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("gold_label\tpremise\thypothesis\tround", "neutral\tA.\tB.\t1", ("A.", "B.", 1)),
        ("sentence1\tsentence2\tgold_label", '"A ""b"" c"\t"B" d\tcontradiction', ('A "b" c', '"B" d', 2)),
        ("pair_ID\tsentence_A\tsentence_B\tscore\tentailment_judgment", "1\tA\tB\t3.6\tENTAILMENT", ("A", "B", 0)),
        (
            "ID\tpremise1\tpremise2\tpremise3\tpremise4\thypothesis\tx\tgold_label",
            "1\t48.jpg#0/A 1/2 cup.\t48.jpg#1/B.\t48.jpg#3/C.\t48.jpg#4/D.\tE.\t5\tneutral",
            ("A 1/2 cup. B. C. D.", "E.", 1),
        ),
        ("premise,hypothesis,label", '"A, ""b""",B,neutral', ('A, "b"', "B", 1)),
    ],
)
def test_tables_are_known_by_their_columns(tmp_path, header, row, expected):
    (tmp_path / "a.txt").write_text(f"{header}\n{row}\n", newline="")
    examples, problems = load_test_pairs(tmp_path / "a.txt", CLASS_NAMES)
    assert problems == [] and of(examples) == [expected]
    assert examples.x.dtype == object and examples.y.dtype == "int32"


def test_named_columns_and_labels(tmp_path):
    (tmp_path / "a.csv").write_text("given,said,verdict\n" + "x,y,1\nu,v,0\n" * 4)
    arguments = {"columns": ("given", "said", "verdict"), "names": {"0": "no", "1": "yes"}}
    splits, problems = load_pairs(tmp_path / "a.csv", **arguments)
    assert problems == [] and splits.info == {"class_names": ["no", "yes"], "data": "a.csv", "undecided": 0}
    assert {*of(splits.train)} == {("x", "y", 1), ("u", "v", 0)}
    with pytest.raises(DataError, match=r"a label must be one of 0. Received: 1"):
        load_pairs(tmp_path / "a.csv", columns=arguments["columns"], names={"0": "no"})
    with pytest.raises(
        DataError, match=r"must name columns that are known. Accepted: .*Received: given, said, verdict"
    ):
        load_pairs(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"must name the columns a, b, c. Received: given, said, verdict"):
        load_pairs(tmp_path / "a.csv", columns=("a", "b", "c"))


def test_several_files_make_one_training_set(tmp_path):
    for name, count in (("a", 30), ("b", 12), ("v", 3), ("t", 6)):
        (tmp_path / f"{name}.tsv").write_text(SNLI + rows(count, name))
    held_out = {"validation": tmp_path / "v.tsv", "test": tmp_path / "t.tsv"}
    splits, problems = load_pairs(f"{tmp_path / 'a.tsv'}, {tmp_path / 'b.tsv'}*2", **held_out)
    assert problems == [] and splits.info == {"class_names": CLASS_NAMES, "data": "a.tsv,b.tsv", "undecided": 0}
    assert of(splits.train) == pairs(30, "a") + pairs(12, "b") * 2
    assert of(splits.validation) == pairs(3, "v") and of(splits.test) == pairs(6, "t")


def test_pairs_are_repeated_after_they_are_drawn(tmp_path):
    (tmp_path / "a.tsv").write_text(SNLI + rows(30))
    splits, _ = load_pairs(f"{tmp_path / 'a.tsv'}*3", validation_fraction=0.25, test_fraction=0.2)
    parts = [of(part) for part in (splits.train, splits.validation, splits.test)]
    assert [len(part) for part in parts] == [54, 6, 6]
    assert sorted({pair for part in parts for pair in part}) == sorted(pairs(30))
    assert len({*parts[0]}) == 18
    assert len(load_pairs(tmp_path / "a.tsv", test_fraction=0)[0].test.y) == 0


def test_problems_are_told_and_undecided_pairs_counted(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(SNLI + rows(9) + "-\tp\th\n-\tp\th\nneutral\tonly\n\nneutral\t \th\n\tp\th\nneutral\tp\t\n")
    splits, problems = load_pairs(path, test_fraction=0)
    assert splits.info["undecided"] == 2 and sorted(of(splits.train) + of(splits.validation)) == sorted(pairs(9))
    assert [(problem.file, problem.sentence) for problem in problems] == [
        (path, "line 13 must have 3 fields. Received: 2"),
        (path, "line 15 has no premise."),
        (path, "line 16 has no label."),
        (path, "line 17 has no hypothesis."),
    ]
    with pytest.raises(DataError, match=r"4 of the pairs cannot be used:\n.*a.tsv: line 13 must have 3 fields"):
        load_pairs(path, strict=True)


@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        ("", {}, "must name columns that are known.* Received: nothing"),
        (SNLI, {}, "holds no pairs with labels"),
        (SNLI + "neutral\tp\n", {}, "holds no pairs with labels. line 2 must have 3 fields"),
        (SNLI + "neutral\tp\th\n" * 9, {}, "a classifier needs at least 2 classes. Received: neutral"),
        (SNLI + rows(9) + "neutral\tp\th\n", {"encoding": "klingon"}, "`encoding` must be one that Python knows"),
        (SNLI + rows(4), {}, "A class needs at least 2 examples to be split"),
        (
            SNLI + rows(9),
            {"validation": "missing.tsv"},
            "missing.tsv: there is no such file. Accepted: tables of pairs",
        ),
    ],
)
def test_refuses(tmp_path, content, arguments, sentence):
    (tmp_path / "a").write_text(content)
    with pytest.raises(DataError, match=sentence):
        load_pairs(tmp_path / "a", **arguments)


def test_labels_to_test_on_are_those_of_the_model(tmp_path):
    (tmp_path / "a").write_text(SNLI + rows(3))
    assert load_test_pairs(tmp_path / "a", [*reversed(CLASS_NAMES)])[0].y.tolist() == [2, 1, 0]
    with pytest.raises(DataError, match=r"a label must be one of neutral. Received: contradiction, entailment"):
        load_test_pairs(tmp_path / "a", ["neutral"])


def test_the_real_files(real_data):
    captions = ("cfnli_train.tsv", "mpe_train.txt", "snli_dev.tsv", "SICK_train.txt")
    splits, problems = load_pairs(
        ",".join(f"nli/{name}" for name in captions), validation="nli/SICK_trial.txt", test_fraction=0, strict=True
    )
    assert problems == [] and len(splits.train.y) == 8330 + 8000 + 9842 + 4500
    assert np.bincount(splits.validation.y).tolist() == [144, 282, 74] and len(splits.test.y) == 0
    assert not any("#" in premise and ".jpg" in premise for premise in splits.train.x[:, 0])
    examples, problems = load_test_pairs(real_data / "nli" / "lingnli_val.tsv", CLASS_NAMES)
    assert problems == [] and np.bincount(examples.y).tolist() == [2560, 2443, 2368]
