"""Fashion-MNIST (Xiao et al., 2017): 60,000 and 10,000 grey pictures of clothes, 28 x 28, ten classes."""

from dlkeras.data.idx import has_idx, load_idx
from dlkeras.data.location import fetch, find

CLASS_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_SHA256 = {
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
}


def load_fashion_mnist(validation_fraction=0.1, seed=0):
    """Reads Fashion-MNIST from `DLKERAS_DATA`, the cache or the network; see `load_idx`."""
    folder = find("fashion_mnist", "fashion-mnist")
    if folder is None or not has_idx(folder):  # a download that was broken off leaves some of the files
        for name, sha256 in _SHA256.items():
            folder = fetch(_URL + name, f"fashion_mnist/{name}", sha256).parent
    return load_idx(folder, CLASS_NAMES, validation_fraction, seed)
