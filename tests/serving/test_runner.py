"""Running SavedModels of TensorFlow 1 and 2."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from serving.runner import Runner, RunnerOptions


def test_same_answer_as_tensorflow(models):
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    expected = tf.saved_model.load(str(models / "affine" / "3")).signatures["serving_default"](x=tf.constant(x))
    runner = Runner(models / "affine" / "3", RunnerOptions())
    np.testing.assert_allclose(runner.run("serving_default", {"x": x}, ("y",))["y"], expected["y"], rtol=1e-6)
    assert sorted(runner.signatures) == ["checked", "serving_default"]
    runner.close()


def test_tensorflow_1_model_with_table_asset_and_returned_input(models):
    runner = Runner(models / "tf1" / "1", RunnerOptions())
    word = np.array([b"two", b"what"], object)
    outputs = runner.run("serving_default", {"word": word}, ("index", "word"))
    assert outputs["index"].tolist() == [102, 99]
    assert outputs["word"].tolist() == [b"two", b"what"]
    assert list(runner.run("serving_default", {"word": word}, ("word",))) == ["word"]
    runner.close()


@pytest.mark.parametrize("inter_op", [0, 1, 2])
def test_many_threads(models, png, inter_op):
    runner = Runner(models / "picture" / "1", RunnerOptions(inter_op_parallelism=inter_op))
    batch = np.array([png[1]] * 3, object)
    wrong = []

    def work():
        for _ in range(20):
            mean = runner.run("serving_default", {"image_bytes": batch}, ("mean",))["mean"]
            if not np.array_equal(mean, [[10, 20, 30]] * 3):
                wrong.append(mean)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    runner.close()


def test_folders_that_do_not_load(models, tmp_path, save_affine):
    with pytest.raises(FileNotFoundError, match="saved_model"):
        Runner(tmp_path, RunnerOptions())
    with pytest.raises(ValueError, match="tags"):
        Runner(models / "affine" / "3", RunnerOptions(tags=("train",)))
    save_affine(tmp_path, 1)
    for file in (tmp_path / "1" / "variables").iterdir():
        file.unlink()
    # Half of a copied folder must not pass for a model.
    with pytest.raises(tf.errors.NotFoundError):
        Runner(tmp_path / "1", RunnerOptions())
