"""Ray Serve with `serve.batch`."""

import os

import ray
from common import BATCH_TIMEOUT, MAX_BATCH_SIZE, PORT, WORKERS, Model, decode, plain
from ray import serve

THREADS = max(2, os.cpu_count() or 1)


@serve.deployment(max_ongoing_requests=4 * MAX_BATCH_SIZE, ray_actor_options={"num_cpus": 1}, num_replicas=WORKERS)
class Deployment:
    """One replica: the model takes both cores by itself."""

    def __init__(self):
        self.model = Model()

    @serve.batch(max_batch_size=MAX_BATCH_SIZE, batch_wait_timeout_s=BATCH_TIMEOUT)
    async def answer(self, rows):
        """Answers a batch."""
        return [plain(row) for row in self.model(rows)]

    async def __call__(self, request):
        """Answers one HTTP request."""
        return await self.answer(decode(await request.json()))


if __name__ == "__main__":
    ray.init(num_cpus=THREADS, include_dashboard=False, log_to_driver=False, _temp_dir=os.environ["BENCHMARK_FOLDER"])
    serve.start(http_options={"host": "127.0.0.1", "port": PORT})
    serve.run(Deployment.bind(), route_prefix="/predict", blocking=True)
