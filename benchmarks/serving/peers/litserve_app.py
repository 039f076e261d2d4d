"""LitServe with its own batching, as its guide for speed sets it up."""

import litserve
from common import BATCH_TIMEOUT, MAX_BATCH_SIZE, PICTURES, PORT, WORKERS, Model, decode, plain


class Api(litserve.LitAPI):
    """The steps that LitServe calls."""

    def setup(self, device):
        """Loads the model in the worker."""
        self.model = Model()

    def decode_request(self, request):
        """Reads one request."""
        return decode(request)

    def batch(self, inputs):
        """Joins what was read; LitServe's own stacks arrays but would not do for bytes."""
        return inputs if PICTURES else super().batch(inputs)

    def predict(self, x):
        """Answers a batch."""
        return self.model(x)

    def unbatch(self, output):
        """Parts the answers."""
        return output

    def encode_response(self, output):
        """Writes one answer."""
        return plain(output)


if __name__ == "__main__":
    api = Api(max_batch_size=MAX_BATCH_SIZE, batch_timeout=BATCH_TIMEOUT)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS, fast_queue=True)
    server.run(host="127.0.0.1", port=PORT, log_level="warning", generate_client_file=False)
