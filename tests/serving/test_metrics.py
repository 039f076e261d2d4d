import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.metrics import MAX_PATHS, UNKNOWN, Metrics


@pytest.fixture
def metrics():
    metrics = Metrics()
    metrics.serves("affine", ["serving_default", "checked"])
    return metrics


def read(metrics):
    """The page's samples: name, then labels in order, to numbers, as Prometheus itself reads them."""
    families = text_string_to_metric_families(metrics.page().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_counts_requests_by_status(metrics):
    for status in ("OK", "OK", "INVALID_ARGUMENT"):
        metrics.request("affine", "serving_default", "Predict", status, 0.001, 2)
    metrics.request("affine", "checked", "predict", "OK", 0.002, 1)
    # The parser gives counters the ending that they have in OpenMetrics.
    samples = read(metrics)
    assert samples[":tensorflow:serving:request_count_total", "affine", "OK"] == 3
    assert samples[":tensorflow:serving:request_count_total", "affine", "INVALID_ARGUMENT"] == 1
    assert samples["dlkeras_request_count_total", "affine", "serving_default", "Predict", "GRPC", "OK"] == 2
    assert samples["dlkeras_request_count_total", "affine", "checked", "predict", "REST", "OK"] == 1


def test_counters_have_tensorflow_servings_own_names(metrics):
    metrics.request("affine", "serving_default", "Predict", "OK", 0.001, 2)
    assert b'\n:tensorflow:serving:request_count{model_name="affine",status="OK"} 1\n' in metrics.page()


def test_measures_answered_requests_only(metrics):
    metrics.request("affine", "serving_default", "Predict", "OK", 0.000_015, 2)
    metrics.request("affine", "checked", "Predict", "OK", 0.000_5, 3)
    metrics.request("affine", "serving_default", "Predict", "UNAVAILABLE", 9.0, 100)
    samples, latency = read(metrics), ":tensorflow:serving:request_latency"
    assert samples[f"{latency}_bucket", "affine", "Predict", "GRPC", "10"] == 0
    assert samples[f"{latency}_bucket", "affine", "Predict", "GRPC", "18"] == 1
    assert samples[f"{latency}_bucket", "affine", "Predict", "GRPC", "+Inf"] == 2
    assert samples[f"{latency}_sum", "affine", "Predict", "GRPC"] == pytest.approx(515)
    assert samples["dlkeras_request_latency_count", "affine", "checked", "Predict", "GRPC"] == 1
    assert samples["dlkeras_request_rows_sum", "affine", "serving_default"] == 2


def test_examples_are_those_of_classify_and_regress(metrics):
    metrics.request("affine", "serving_default", "Predict", "OK", 0.001, 100)
    metrics.request("affine", "serving_default", "Classify", "OK", 0.001, 2)
    metrics.request("affine", "serving_default", "regress", "OK", 0.001, 3)
    samples = read(metrics)
    assert samples[":tensorflow:serving:request_example_counts_count", "affine"] == 2
    assert samples[":tensorflow:serving:request_example_counts_bucket", "affine", "2"] == 1
    assert b':tensorflow:serving:request_example_count_total{model="affine"} 5\n' in metrics.page()


def test_unknown_names_share_a_cell(metrics):
    for number in range(1000):
        metrics.request(f"model{number}", "serving_default", "Predict", "NOT_FOUND", 0.001, 0)
        metrics.request("affine", f"signature{number}", "Predict", "INVALID_ARGUMENT", 0.001, 0)
    samples = read(metrics)
    assert samples[":tensorflow:serving:request_count_total", UNKNOWN, "NOT_FOUND"] == 1000
    assert samples["dlkeras_request_count_total", "affine", UNKNOWN, "Predict", "GRPC", "INVALID_ARGUMENT"] == 1000
    assert len(metrics.page()) < 20_000


def test_a_model_becomes_known_and_its_signatures_add_up(metrics):
    metrics.request("late", "one", "Predict", "OK", 0.001, 1)
    metrics.serves("late", ["one"])
    metrics.serves("late", ["two"])
    for name in ("one", "two"):
        metrics.request("late", name, "Predict", "OK", 0.001, 1)
    samples = read(metrics)
    assert samples[":tensorflow:serving:request_count_total", "late", "OK"] == 2
    assert samples[":tensorflow:serving:request_count_total", UNKNOWN, "OK"] == 1
    assert samples["dlkeras_request_count_total", "late", "two", "Predict", "GRPC", "OK"] == 1


def test_no_signature_name_is_the_default_one(metrics):
    for name in ("", "serving_default", ""):
        metrics.request("affine", name, "Predict", "OK", 0.001, 1)
    assert read(metrics)["dlkeras_request_count_total", "affine", "serving_default", "Predict", "GRPC", "OK"] == 3


def test_measures_runs(metrics):
    metrics.runtime("affine", "Predict", 0.000_1)
    metrics.batch("affine", "checked", [1, 2], [0.000_05, 0.000_2], executed=4)
    metrics.batch("affine", "checked", [8], [0.0])
    samples, batching = read(metrics), ":tensorflow:serving:batching_session"
    assert samples[":tensorflow:serving:runtime_latency_sum", "affine", "Predict", "TF1"] == pytest.approx(100)
    assert samples[f"{batching}:wrapped_run_count_total",] == 2
    assert samples[f"{batching}:input_batch_size_sum",] == 11
    assert samples[f"{batching}:processed_batch_size_sum",] == 12
    assert samples[f"{batching}:queuing_latency_bucket", "affine", "100"] == 2
    assert samples[f"{batching}:queuing_latency_count", "affine"] == 3
    assert samples[f"{batching}:padding_size_sum", "4"] == 1
    assert samples[f"{batching}:padding_size_count", "4"] == 1
    assert samples["dlkeras_batch_rows_sum", "affine", "checked"] == 11


def test_measures_loads_and_warm_ups(metrics):
    metrics.load("/m/1", True, 0.5)
    metrics.load("/m/2", False, 9.0)
    metrics.warm_up("/m/1", "OK", 0.001)
    samples, loading = read(metrics), ":tensorflow:cc:saved_model"
    assert samples[f"{loading}:load_attempt_count_total", "/m/1", "success"] == 1
    assert samples[f"{loading}:load_attempt_count_total", "/m/2", "fail"] == 1
    assert samples[f"{loading}:load_latency_total", "/m/1"] == 500_000
    assert (f"{loading}:load_latency_total", "/m/2") not in samples
    assert samples[":tensorflow:serving:model_warmup_latency_sum", "/m/1", "OK"] == pytest.approx(1000)


def test_forgets_the_oldest_versions(metrics):
    for number in range(MAX_PATHS + 5):
        metrics.load(f"/m/{number}", True, 1.0)
    paths = [key[1] for key in read(metrics) if key[0].endswith("load_latency_total")]
    assert paths == [f"/m/{number}" for number in range(5, MAX_PATHS + 5)]


def test_shows_what_others_keep(metrics):
    in_flight = {("affine",): 3}
    metrics.watch("dlkeras_requests_in_flight", "gauge", "Requests.", ("model_name",), lambda: in_flight)
    assert read(metrics)["dlkeras_requests_in_flight", "affine"] == 3
    in_flight["affine",] = 4
    assert read(metrics)["dlkeras_requests_in_flight", "affine"] == 4


def test_shows_the_process(metrics):
    before = read(metrics)
    ballast = bytearray(64 * 2**20)
    end = time.process_time() + 0.05
    while time.process_time() < end:
        ballast[::4096] = b"x" * len(range(0, len(ballast), 4096))
    after = read(metrics)
    assert after["process_resident_memory_bytes",] - before["process_resident_memory_bytes",] > 50 * 2**20
    assert 0.03 < after["process_cpu_seconds_total",] - before["process_cpu_seconds_total",] < 10


def test_threads_lose_nothing(metrics):
    def record():
        for _ in range(2000):
            metrics.runtime("affine", "Predict", 0.001)

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    pages = [metrics.page() for _ in range(5)]
    for thread in threads:
        thread.join()
    assert read(metrics)[":tensorflow:serving:runtime_latency_count", "affine", "Predict", "TF1"] == 8000
    assert all(page.endswith(b"\n") for page in pages)


def test_counting_is_cheap(metrics):
    def microseconds():
        start = time.thread_time()
        for _ in range(20_000):
            metrics.request("affine", "serving_default", "Predict", "OK", 0.001, 8)
        return (time.thread_time() - start) / 20_000 * 1e6

    # About 0.4 on an idle machine.
    assert min(microseconds() for _ in range(3)) < 2
