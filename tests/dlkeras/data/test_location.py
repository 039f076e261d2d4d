import gc
import hashlib
import warnings

import pytest

from dlkeras.data import DataError
from dlkeras.data.location import cache_folder, fetch, find


@pytest.fixture(autouse=True)
def collect_what_urllib_leaves():
    """A request that fails leaves its socket to the garbage collector, which would warn in some later test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("DLKERAS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "dlkeras"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "dlkeras"
    monkeypatch.setenv("DLKERAS_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_find_prefers_the_users_folder_then_the_first_name(cache, monkeypatch, tmp_path):
    assert find("one", "two") is None
    cache.mkdir()
    for path in (cache / "one", cache / "two", tmp_path / "data" / "two"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert find("one", "two") == cache / "one"
    monkeypatch.setenv("DLKERAS_DATA", str(tmp_path / "data"))
    assert find("one", "two") == tmp_path / "data" / "two"
    assert find("one") == cache / "one"


def serve(web, content=b"content" * 1000):
    (web.folder / "file.gz").write_bytes(content)
    return web.address + "file.gz", hashlib.sha256(content).hexdigest()


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_fetch_takes_a_file_once(cache, web, capfd):
    url, sha256 = serve(web)
    assert fetch(url, "deep/file.gz", sha256) == cache / "deep" / "file.gz"
    assert files(cache) == [cache / "deep" / "file.gz"]
    assert (cache / "deep" / "file.gz").read_bytes() == b"content" * 1000
    captured = capfd.readouterr()
    assert captured.out.startswith(f"Downloading data from {url}") and not captured.err
    assert fetch(url, "deep/file.gz", sha256) == cache / "deep" / "file.gz"
    assert web.paths == ["/file.gz"]
    assert capfd.readouterr().out == ""


def test_fetch_mends_a_file_that_is_broken(cache, web):
    url, sha256 = serve(web)
    cache.mkdir()
    (cache / "file.gz").write_bytes(b"half")
    assert fetch(url, "file.gz", sha256).read_bytes() == b"content" * 1000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url, sha256: (url, "0" * 64), "Incomplete or corrupted file detected"),
        (lambda url, sha256: (url + ".not", sha256), "404"),
        (lambda url, sha256: ("http://127.0.0.1:9/file.gz", sha256), "refused"),
    ],
)
def test_fetch_leaves_nothing_where_it_fails(cache, web, change, reason):
    url, sha256 = change(*serve(web))
    with pytest.raises(DataError) as error:
        fetch(url, "deep/file.gz", sha256)
    text = str(error.value)
    assert text.startswith(f"file.gz could not be downloaded from {url} (") and reason in text
    assert text.endswith(
        f"Put it there by hand as {cache / 'deep' / 'file.gz'}, or set DLKERAS_DATA to a folder that has it."
    )
    assert not files(cache)


def test_fetch_where_the_cache_cannot_be_written(monkeypatch, web, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLKERAS_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"Not a directory"):
        fetch(*serve(web)[:1], "deep/file.gz", serve(web)[1])
