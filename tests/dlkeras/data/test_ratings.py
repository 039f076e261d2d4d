import gzip

import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.ratings import ratings_of, read_ratings, renamed

ROWS = [("10", "a b", "4", "30"), ("9", "é", "2.5", "10"), ("10", "é", "5", "20")]
HEADER = "timestamp,userId,rating,genre,movieId\n"
FORMS = {
    "tabs": "".join("\t".join(row) + "\n" for row in ROWS),
    "colons": "".join("::".join(row) + "\n" for row in ROWS),
    "commas": "".join(",".join(row) + "\n" for row in ROWS),
    "semicolons": ";".join(ROWS[0]) + "\r\n\r\n" + "\r\n".join(";".join(row) for row in ROWS[1:]),
    "quoted": "".join(",".join(f'"{field}"' for field in row) + "\n" for row in ROWS),
    "header": HEADER + "".join(f"{time},{user},{rating},drama,{item}\n" for user, item, rating, time in ROWS),
    "names with signs": "User_ID;Item ID;Score;Time\n" + "".join(";".join(row) + "\n" for row in ROWS),
    "mark at the start": "\ufeffuser\titem\trating\ttime\n" + "".join("\t".join(row) + "\n" for row in ROWS),
}


def read(tmp_path, text, **options):
    path = tmp_path / "ratings"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_ratings(path, **options)


def assert_read(ratings):
    assert ratings.user_names == ("9", "10")
    assert ratings.item_names == ("a b", "é")
    for values, dtype, expected in (
        (ratings.users, "int32", [1, 0, 1]),
        (ratings.items, "int32", [0, 1, 1]),
        (ratings.ratings, "float32", [4, 2.5, 5]),
        (ratings.times, "int64", [30, 10, 20]),
    ):
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, expected)
    assert (len(ratings), ratings.num_users, ratings.num_items, ratings.dropped) == (3, 2, 2, 0)


@pytest.mark.parametrize("form", FORMS)
def test_every_form(tmp_path, form):
    assert_read(read(tmp_path, FORMS[form]))


def test_packed_and_in_another_encoding(tmp_path, monkeypatch):
    (tmp_path / "a.dat.gz").write_bytes(gzip.compress(FORMS["colons"].encode("cp1252")))
    monkeypatch.setenv("DLKERAS_DATA", str(tmp_path))
    assert_read(read_ratings("a.dat.gz"))
    assert_read(read(tmp_path, FORMS["tabs"].encode("utf-16"), encoding="utf-16"))
    assert_read(read(tmp_path, FORMS["mark at the start"], encoding="utf-8"))


def test_without_times(tmp_path):
    assert read(tmp_path, "u,i,1\nu,j,2\n").times is None


def test_names_are_sorted_as_numbers_only_where_all_are(tmp_path):
    ratings = read(tmp_path, "10,x10,1\n9,x9,1\n007,7,1\n7,x9,1\n")
    assert ratings.user_names == ("007", "7", "9", "10")
    assert ratings.item_names == ("7", "x10", "x9")


def test_of_duplicates_the_latest_counts(tmp_path):
    ratings = read(tmp_path, "u,i,1,50\nu,j,2,10\nu,i,3,40\nu,j,4,10\n")
    np.testing.assert_array_equal(ratings.ratings, [1, 4])
    assert ratings.dropped == 2
    np.testing.assert_array_equal(read(tmp_path, "u,i,1\nv,i,2\nu,i,3\n").ratings, [2, 3])


def test_take():
    ratings = ratings_of(["u", "v", "w"], ["i", "j", "k"], [1, 2, 3])
    for rows in ([0, 2], [True, False, True]):
        part = ratings.take(np.array(rows))
        np.testing.assert_array_equal(part.users, [0, 2])
        np.testing.assert_array_equal(part.ratings, [1, 3])
        assert part.times is None and part.item_names == ("i", "j", "k")


def test_renamed():
    part = renamed(ratings_of(["v", "w"], ["k", "i"], [1, 2]), ("u", "v", "w"), ("i", "j", "k"))
    np.testing.assert_array_equal(part.users, [1, 2])
    np.testing.assert_array_equal(part.items, [2, 0])
    assert part.user_names == ("u", "v", "w")
    with pytest.raises(DataError, match=r"Each user must be one of the 1 that are known. Received: v, w"):
        renamed(part, ("u",), ("i", "j", "k"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the first line must be a user, an item and a rating, .* Received: nothing"),
        ("one two three\n", "with a tab, ::, a semicolon or a comma between them. Received: 'one two three'"),
        ("1,2,3,4,5\n", "without a header a line must be .* Received: 5 fields"),
        ("user,item,time\n1,2,3\n", "a header must name .* movieid for the item;.* Received: 'user, item, time'"),
        ("user,item,rating\n", "holds no ratings"),
        ("1,2,x\n", "line 1 must have a finite number as its rating. Received: '1,2,x'"),
        ("1::2::3::4\n1::2::3\n", "line 2 must have 4 fields, as the first line has. Received: '1::2::3'"),
        ("a,b,3\n\n\nu,i,nan\n", "line 4 must have a finite number as its rating. Received: 'u,i,nan'"),
        ("u,i,1,now\n", "line 1 must have a finite number as its time"),
        ("u\ti\t1\n \ti\t1\n", "line 2 must have the id of a user"),
        ("u\ti\t1\nu\t\t1\n", "line 2 must have the id of an item"),
        ("user,item,rating\nu,i,5\nu,j,6\n", "line 3 must have a rating from 1 to 5. Received: 'u,j,6'"),
        ("u,i," + "9" * 500, r"line 1 must have .*: 'u,i,9{76}\.\.\.'"),
        ('u,i,1\nu,"' + "i" * 200_000 + '",1\n', "cannot be read: field larger"),
    ],
)
def test_refuses_the_first_line_that_is_wrong(tmp_path, text, sentence):
    with pytest.raises(DataError, match=sentence):
        read(tmp_path, text, limits=(1, 5))


def test_refuses_files(tmp_path):
    with pytest.raises(DataError, match=r"none is no file of ratings. Accepted: a user, an item, a rating"):
        read_ratings(tmp_path / "none")
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"1,2,3\n" * 50)[:-9])
    with pytest.raises(DataError, match=r"a.gz cannot be read"):
        read_ratings(tmp_path / "a.gz")
    with pytest.raises(DataError, match=r"line 2 is no utf-8. Accepted: another `encoding`"):
        read(tmp_path, b"u,i,1\nu,\xff,1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"`encoding` must be one that Python knows. Received: 'latin-9000'"):
        read(tmp_path, "u,i,1\n", encoding="latin-9000")


def test_movielens_100k(real_data):
    path = real_data / "movielens" / "ml-100k" / "u.data"
    if not path.exists():
        pytest.skip("DLKERAS_DATA has no movielens/ml-100k")
    ratings = read_ratings(path, limits=(1, 5))
    assert (len(ratings), ratings.num_users, ratings.num_items, ratings.dropped) == (100_000, 943, 1682, 0)
    assert ratings.user_names[195] == "196" and (ratings.users[0], ratings.items[0]) == (195, 241)
    assert ratings.ratings.mean() == pytest.approx(3.52986)
