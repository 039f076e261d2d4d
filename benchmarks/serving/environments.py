"""The peers' virtual environments: one each, because their requirements do not agree."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PEERS = Path(__file__).with_name("peers")
NAMES = ("litserve", "bentoml", "mlserver", "ray", "fastapi")


def python(folder, name):
    """Returns the interpreter of a peer's environment, which may not exist."""
    return Path(folder, name, "bin", "python").absolute()


def make(folder, names):
    """Makes the environments that are not there.

    A peer's environment holds its own tree in full, as pinned in `peers/<name>.txt`; TensorFlow comes from this
    environment's packages, which stand behind the peer's own on its path.

    Args:
        folder: Where they go.
        names: Which.

    Returns:
        `{name: None or the reason why it could not be made}`.
    """
    return {name: None if python(folder, name).exists() else _make(Path(folder, name), name) for name in names}


def _make(folder, name):
    print(f"making {folder} ...", flush=True)
    # --no-deps: the file is the whole tree, with what had to be set against a peer's own bounds.
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(PEERS / f"{name}.txt")]
    for command in ([sys.executable, "-m", "venv", str(folder)], [str(folder / "bin" / "python"), *install]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            # Half an environment would pass for a whole one the next time.
            shutil.rmtree(folder, ignore_errors=True)
            return done.stderr.strip().splitlines()[-1]
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (packages / "behind.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return None


def pinned(name):
    """Returns the pinned version of a peer."""
    lines = (PEERS / f"{name}.txt").read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{name}=="))
