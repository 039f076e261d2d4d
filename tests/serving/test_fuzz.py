import shutil

from tests.serving import fuzz


def test_wrong_requests(tmp_path, save_affine, free_port):
    save_affine(tmp_path / "affine", 1)
    shutil.copytree(tmp_path / "affine", tmp_path / "decoy")
    figures = fuzz.fuzz(tmp_path, (free_port(), free_port()), 3000, 1)
    assert figures["requests"] == sum(count for name, count in figures.items() if name.startswith("sent_"))
