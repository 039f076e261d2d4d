import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.movielens import genre_matrix, load_movielens, load_movielens_split

RATINGS = [("7", "10", "4", "30"), ("12", "2", "1", "10"), ("7", "2", "5", "20"), ("7", "33", "3", "5")]
GENRES = "unknown|0\nAction|1\nDrama|2\n\n"
ITEMS = (
    "2|Élan (1990)|01-Jan-1990||http://a.b/?c|0|1|1\n"
    "3|Not Rated (1991)|||http://a.b/?c|0|1|0\n"
    "10|Story, A (1995)|01-Jan-1995||http://a.b/?c|1|0|0\n"
)
FILMS = [("2", "Élan (1990)", "Action|Drama"), ("3", "Not Rated (1991)", "Action")]


def write(folder, form):
    folder.mkdir(parents=True)
    if form == "100k":
        (folder / "u.data").write_text("".join("\t".join(row) + "\n" for row in RATINGS))
        (folder / "u.genre").write_text(GENRES)
        (folder / "u.item").write_bytes(ITEMS.encode("iso-8859-1"))
    elif form == "1m":
        films = [*FILMS, ("10", "Story, A (1995)", "(no genres listed)")]
        (folder / "ratings.dat").write_text("".join("::".join(row) + "\n" for row in RATINGS))
        (folder / "movies.dat").write_bytes("".join("::".join(row) + "\n" for row in films).encode("iso-8859-1"))
    else:
        films = [*FILMS, ("10", '"Story, A (1995)"', "(no genres listed)")]
        (folder / "ratings.csv").write_text(
            "userId,movieId,rating,timestamp\n" + "".join(",".join(row) + "\n" for row in RATINGS)
        )
        (folder / "movies.csv").write_text(
            "movieId,title,genres\n" + "".join(",".join(row) + "\n" for row in films), encoding="utf-8"
        )


@pytest.mark.parametrize("form", ["100k", "1m", "csv"])
def test_every_form(tmp_path, monkeypatch, form):
    write(tmp_path / "movielens" / "ml-100k", form)
    monkeypatch.setenv("DLKERAS_DATA", str(tmp_path))
    ratings, titles, genres = load_movielens()
    assert ratings.user_names == ("7", "12") and ratings.item_names == ("2", "10", "33")
    np.testing.assert_array_equal(ratings.ratings, [4, 1, 5, 3])
    assert titles == ("Élan (1990)", "Story, A (1995)", "33")
    assert genres == (("Action", "Drama"), (), ())


def test_ratings_without_films(tmp_path):
    write(tmp_path / "a", "1m")
    (tmp_path / "a" / "movies.dat").unlink()
    assert load_movielens(tmp_path / "a").titles == ("2", "10", "33")


def test_a_split_has_the_names_of_the_whole(tmp_path):
    folder = tmp_path / "a"
    write(folder, "100k")
    (folder / "u1.base").write_text("7\t33\t3\t5\n")
    (folder / "u1.test").write_text("12\t2\t1\t10\n")
    ratings = load_movielens(folder).ratings
    train, test = load_movielens_split("u1", ratings, folder)
    assert train.item_names == test.item_names == ratings.item_names
    assert (train.users.item(), train.items.item(), test.users.item(), test.items.item()) == (0, 2, 1, 0)
    with pytest.raises(DataError, match=r"u2.base is not there. Accepted: .* there are: u1\."):
        load_movielens_split("u2", ratings, folder)
    (folder / "u1.test").write_text("12\t4\t1\t10\n")
    with pytest.raises(DataError, match=r"Each item must be one of the 3 that are known. Received: 4"):
        load_movielens_split("u1", ratings, folder)


def test_refuses(tmp_path):
    with pytest.raises(
        DataError, match=r"none is not a folder. Accepted: a folder with u.data .* put it in DLKERAS_DATA"
    ):
        load_movielens(tmp_path / "none")
    with pytest.raises(DataError, match=r"holds no ratings of MovieLens. Accepted: a folder with u.data"):
        load_movielens(tmp_path)
    write(tmp_path / "a", "100k")
    (tmp_path / "a" / "u.data").write_text("1\t2\t3\t4\n1\t2\t6\t4\n")
    with pytest.raises(DataError, match=r"u.data: line 2 must have a rating from 0.5 to 5"):
        load_movielens(tmp_path / "a")


def test_genre_matrix():
    names, table = genre_matrix((("b", "a"), (), ("b",)))
    assert names == ("a", "b")
    np.testing.assert_array_equal(table, [[True, True], [False, False], [False, True]])
    assert genre_matrix(((), ()))[1].shape == (2, 0)


def test_the_real_one(real_data):
    folder = real_data / "movielens" / "ml-100k"
    if not folder.exists():
        pytest.skip("DLKERAS_DATA has no movielens/ml-100k")
    ratings, titles, genres = load_movielens(folder)
    assert len(titles) == len(genres) == ratings.num_items == 1682
    assert titles[0] == "Toy Story (1995)" and genres[0] == ("Animation", "Children's", "Comedy")
    assert "Misérables, Les (1995)" in titles
    assert len(genre_matrix(genres)[0]) == 18
    for name, sizes in (("u1", (80_000, 20_000)), ("ua", (90_570, 9_430))):
        assert tuple(map(len, load_movielens_split(name, ratings, folder))) == sizes
