"""Running text as documents and sentences."""

import gzip

import pytest

from dlkeras.data.corpus import load_corpus, load_test_documents
from dlkeras.data.location import DataError
from dlkeras.data.made_documents import make_documents

PROSE = """THE TITLE

Mr. Fox ran\naway. "Did he?" asked Ann. He did!

It was late... Then (at last) it
rained. No one said 3.5 was too much.
"""


def _write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_prose_is_one_document_of_sentences(tmp_path):
    (document,) = load_corpus(_write(tmp_path / "prose.txt", PROSE), 0.0).train
    assert document == [
        "THE TITLE",
        *("Mr.", "Fox ran away.", '"Did he?" asked Ann.', "He did!"),
        *("It was late...", "Then (at last) it rained.", "No one said 3.5 was too much."),
    ]


def test_lines_are_documents_and_fields_of_tables_sentences(tmp_path):
    lines = _write(tmp_path / "lines.txt", "A man walks.\nTwo dogs. They run.\n")
    assert load_corpus(lines, 0.0).train == [["A man walks."], ["Two dogs.", "They run."]]
    table = _write(tmp_path / "pairs.tsv", "id\tfirst\tlabel\n7\t123.jpg#0/A man is here.\tno\tNo man is here.\n")
    assert load_corpus(table, 0.0).train == [["A man is here.", "No man is here."]]


def test_folders_and_compressed_files_are_read_and_bytes_that_are_no_text(tmp_path):
    (tmp_path / "below").mkdir()
    with gzip.open(tmp_path / "below" / "a.en.gz", "wt", encoding="utf-8") as file:
        file.write("Ein Käfer.\n")
    (tmp_path / "b.txt").write_bytes(b"caf\xe9 ol\xe9\n")
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8")
    assert load_test_documents(str(tmp_path)) == [["caf\ufffd ol\ufffd"], ["Ein Käfer."]]


def test_the_end_of_each_file_is_held_out(tmp_path):
    names = [_write(tmp_path / f"{name}.txt", "".join(f"{name} {n}\n" for n in range(20))) for name in "ab"]
    corpus = load_corpus(",".join(names), 0.1)
    assert [document[0] for document in corpus.validation] == ["a 16", "a 17", "b 16", "b 17"]
    assert [document[0] for document in corpus.test] == ["a 18", "a 19", "b 18", "b 19"]
    assert len(corpus.train) == 32
    prose = _write(tmp_path / "prose.txt", "\n\n".join(f"Number {n}." for n in range(20)))
    parts = load_corpus(prose, 0.1)
    assert [len(part[0]) for part in parts] == [16, 2, 2]


def test_of_a_little_text_a_little_is_held_out(tmp_path):
    few = _write(tmp_path / "few.txt", "One.\nTwo.\nThree.\nFour.\n")
    corpus = load_corpus(few, 0.01)
    assert (corpus.train, corpus.validation, corpus.test) == ([["One."], ["Two."]], [["Three."]], [["Four."]])
    with pytest.raises(DataError, match="`data` must hold three sentences at least"):
        load_corpus(_write(tmp_path / "two.txt", "One.\nTwo.\n"), 0.01)


def test_what_is_not_there_or_has_no_text_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"Received one that is not there: nothing\.txt"):
        load_corpus("nothing.txt")
    with pytest.raises(DataError, match=r"must hold files ending in \.txt, \.tsv, \.gz\. Received none"):
        load_corpus(str(tmp_path))
    with pytest.raises(DataError, match="`data` must hold text"):
        load_corpus(_write(tmp_path / "empty.txt", "\n \n"))


def test_made_documents_agree_with_themselves():
    documents = make_documents(20, 0)
    assert documents == make_documents(20, 0) != make_documents(20, 1)
    assert {len(document) for document in documents} == {6}
