"""Memory over many new versions of one model: `python -m benchmarks.serving.swaps`.

Every round publishes a version, lets the manager swap it in while a request is asked, and takes the old one away.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

MEGABYTE = 10**6


def resident():
    """Returns the memory that this process has in use, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def save(folder, megabytes, frozen):
    """Writes a model of `megabytes` of variables, or of constants when `frozen`, in four matrices."""
    import tensorflow as tf

    columns = int(megabytes * MEGABYTE / 4 / 4 / 256)
    matrices = [tf.fill((256, columns), 0.5) + tf.random.uniform((256, columns)) for _ in range(4)]
    module = tf.Module()
    module.matrices = [tf.constant(matrix.numpy()) if frozen else tf.Variable(matrix) for matrix in matrices]

    @tf.function(input_signature=[tf.TensorSpec((None, 256), tf.float32, "x")])
    def serve(x):
        return {"y": tf.add_n([tf.reduce_sum(x @ matrix, -1) for matrix in module.matrices])}

    tf.saved_model.save(module, str(folder), signatures=serve)


def swap(manager, base, source, number):
    """Publishes version `number`, has it loaded, asks it once, and removes the version before."""
    import numpy as np

    shutil.copytree(source, base / f"tmp-{number}")
    (base / f"tmp-{number}").rename(base / str(number))
    manager.poll()
    with manager.model("m").use() as version:
        assert version.number == number, manager.statuses()
        version.runner.run("serving_default", {"x": np.ones((1, 256), np.float32)}, ("y",))
    if (base / str(number - 1)).exists():
        shutil.rmtree(base / str(number - 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--megabytes", type=float, default=50, help="size of the model")
    parser.add_argument("--frozen", action="store_true", help="constants in the place of variables")
    options = parser.parse_args()
    from serving.config import ModelConfig
    from serving.manager import Manager
    from serving.runner import RunnerOptions

    with tempfile.TemporaryDirectory() as folder:
        base, source = Path(folder, "m"), Path(folder, "source")
        base.mkdir()
        save(source, options.megabytes, options.frozen)
        manager = Manager([ModelConfig("m", str(base))], RunnerOptions(), poll_wait_seconds=0)
        manager.start()
        print("| swaps | resident, MB |\n|---|---|")
        for number in range(1, options.swaps + 2):
            swap(manager, base, source, number)
            if number == 1 or (number - 1) % 10 == 0:
                print(f"| {number - 1} | {resident() / MEGABYTE:.0f} |", flush=True)
        manager.stop()
        print(f"| all unloaded | {resident() / MEGABYTE:.0f} |")


if __name__ == "__main__":
    main()
