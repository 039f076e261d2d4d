"""The server as a whole, by its flags: TLS, UNIX socket, batching, reload, metrics, request logs, health."""

import json
import shutil
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from prometheus_client.parser import text_string_to_metric_families
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc, prediction_log_pb2

from serving.client import Client
from serving.config_protos import ConfigError

X = np.ones((1, 3), np.float32)


def get(address, path):
    with urllib.request.urlopen(address + path, timeout=10) as response:
        return response.read().decode()


def affine(models):
    return "--model_name=affine", f"--model_base_path={models / 'affine'}"


def test_requests_that_wait_are_merged_and_answered_right(serve, models):
    server = serve(*affine(models))
    failures = []

    def ask(address, number):
        with Client(address) as client:
            for i in range(100):
                x = np.full((1 + i % 3, 3), number * 1000 + i, np.float32)
                if not np.array_equal(client.predict("affine", {"x": x})["y"], x * 2 + 1):
                    failures.append((number, i))

    threads = [
        threading.Thread(target=ask, args=((server.grpc, server.rest)[number % 2], number)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_batching_by_its_parameters(serve, models, tmp_path):
    parameters = tmp_path / "batching.config"
    parameters.write_text("max_batch_size { value: 2 } batch_timeout_micros { value: 300000 }")
    server = serve(*affine(models), "--enable_batching", f"--batching_parameters_file={parameters}")
    with Client(server.grpc, retries=0) as client:
        start = time.monotonic()
        assert client.predict("affine", {"x": X})["y"].tolist() == [[3, 3, 3]]
        assert time.monotonic() - start > 0.25
        with pytest.raises(Exception, match="Task size 3 is larger than maximum input batch size 2"):
            client.predict("affine", {"x": np.ones((3, 3), np.float32)})


def test_unix_socket(serve, models, tmp_path):
    path = tmp_path / "grpc.sock"
    server = serve(*affine(models), f"--grpc_socket_path={path}")
    with Client(f"unix:{path}") as client:
        assert client.predict("affine", {"x": X})["y"].tolist() == [[3, 3, 3]]
    server.stop()
    assert not path.exists()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder with a certificate authority, and a key and certificate of it for localhost."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command makes the certificates, and is not installed")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    openssl("x509", "-req", "-in", "csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem",
            "-extfile", "names")  # fmt: skip
    return folder


def test_tls_with_certificates_on_both_sides(serve, models, certificates, tmp_path):
    key, certificate, ca = [(certificates / name).read_bytes() for name in ("key.pem", "cert.pem", "ca.pem")]
    config = tmp_path / "ssl.config"
    fields = {"server_key": key, "server_cert": certificate, "custom_ca": ca}
    lines = [f"{name}: {json.dumps(text.decode())}" for name, text in fields.items()]
    config.write_text("\n".join([*lines, "client_verify: true"]))
    server = serve(*affine(models), f"--ssl_config_file={config}")

    def call(credentials):
        with grpc.secure_channel(server.grpc.replace("127.0.0.1", "localhost"), credentials) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            return check(health_pb2.HealthCheckRequest(service="affine"), timeout=5).status

    assert call(grpc.ssl_channel_credentials(ca, key, certificate)) == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        call(grpc.ssl_channel_credentials(ca))
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_health_and_reflection(server):
    with grpc.insecure_channel(server.grpc) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="mixed"), timeout=5)
        assert next(watch).status == 1
        watch.cancel()
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=5)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
        services = ProtoReflectionDescriptorDatabase(channel).get_services()
        assert {"tensorflow.serving.PredictionService", "grpc.health.v1.Health"} <= set(services)
    assert json.loads(get(server.rest, "/healthz/live")) == {"status": "live"}
    assert json.loads(get(server.rest, "/healthz/ready")) == {"status": "ready"}


def test_a_model_without_a_version_makes_the_server_not_ready(serve, save_affine, tmp_path):
    (tmp_path / "m").mkdir()
    server = serve("--model_name=m", f"--model_base_path={tmp_path / 'm'}")
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(server.rest, "/healthz/ready")
    with caught.value as error:
        assert (error.code, json.loads(error.read())) == (503, {"status": "not ready", "models": ["m"]})
    assert json.loads(get(server.rest, "/healthz/live")) == {"status": "live"}
    save_affine(tmp_path / "coming", 1)
    (tmp_path / "coming" / "1").rename(tmp_path / "m" / "1")
    until = time.monotonic() + 15
    while not server.manager.model("m").available and time.monotonic() < until:
        time.sleep(0.05)
    assert json.loads(get(server.rest, "/healthz/ready")) == {"status": "ready"}


def test_reload_by_a_request(serve, models):
    server = serve(*affine(models))

    def reload(text):
        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(f"config {{ model_config_list {{ {text} }} }}", request)
        with grpc.insecure_channel(server.grpc) as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            return stub.HandleReloadConfigRequest(request, timeout=30).status.error_code

    def entry(name, more=""):
        return f'config {{ name: "{name}" base_path: "{models / name}" model_platform: "tensorflow" {more} }}'

    with Client(server.grpc) as client:
        with pytest.raises(grpc.RpcError, match=r"Could not find base path .*nowhere") as caught:
            reload(entry("affine") + entry("nowhere"))
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert client.predict("affine", {"x": X})["y"].tolist() == [[3, 3, 3]]
        label = 'version_labels { key: "stable" value: 3 }'
        assert reload(entry("affine", label) + entry("tf1")) == 0
        assert client.predict("affine", {"x": X}, label="stable")["y"].tolist() == [[3, 3, 3]]
        assert client.predict("tf1", {"word": ["two"]})["index"].tolist() == [102]
        assert reload(entry("tf1")) == 0
        with pytest.raises(Exception, match="Servable not found"):
            client.predict("affine", {"x": X})


def test_metrics(serve, models, tmp_path):
    config = tmp_path / "monitoring.config"
    config.write_text('prometheus_config { enable: true path: "/metrics" }')
    server = serve(*affine(models), f"--monitoring_config_file={config}")
    for address in (server.grpc, server.rest):
        with Client(address, retries=0) as client:
            for _ in range(3):
                client.predict("affine", {"x": X})
            with pytest.raises(Exception, match="takes float32"):
                client.predict("affine", {"x": X[:, :2]})
    samples = {
        (sample.name, sample.labels.get("API"), sample.labels.get("status")): sample.value
        for family in text_string_to_metric_families(get(server.rest, "/metrics"))
        for sample in family.samples
    }
    assert samples[":tensorflow:serving:request_count_total", None, "OK"] == 6
    assert samples[":tensorflow:serving:request_count_total", None, "INVALID_ARGUMENT"] == 2
    assert samples[":tensorflow:serving:request_latency_count", "Predict", None] == 3
    assert samples[":tensorflow:serving:request_latency_count", "predict", None] == 3
    assert samples[":tensorflow:serving:runtime_latency_count", "Predict", None] == 6
    assert samples["dlkeras_requests_in_flight", None, None] == 0


def test_request_logs(serve, models, tmp_path):
    config = tmp_path / "models.config"
    logging = f'log_collector_config {{ filename_prefix: "{tmp_path}/log" }} sampling_config {{ sampling_rate: 1 }}'
    config.write_text(
        f'model_config_list {{ config {{ name: "affine" base_path: "{models / "affine"}" model_platform: "tensorflow" '
        f"logging_config {{ {logging} }} }} }}"
    )
    server = serve(f"--model_config_file={config}")
    for address in (server.grpc, server.rest):
        with Client(address) as client:
            client.predict("affine", {"x": X})
    server.stop()
    records = tf.data.TFRecordDataset([str(path) for path in tmp_path.glob("log*")]).as_numpy_iterator()
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    assert len(logs) == 2
    for log in logs:
        assert tf.make_ndarray(log.predict_log.request.inputs["x"]).tolist() == X.tolist()
        assert tf.make_ndarray(log.predict_log.response.outputs["y"]).tolist() == [[3, 3, 3]]
        assert log.log_metadata.model_spec.version.value == 3


def test_a_model_that_does_not_load_ends_the_start(serve, tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").write_bytes(b"not a model")
    with pytest.raises(ConfigError, match=r"did not become available.*name: m version: 1"):
        serve("--model_name=m", f"--model_base_path={tmp_path / 'm'}")
    assert not [thread for thread in threading.enumerate() if thread.name == "fronts" and not thread.is_alive()]


def test_names_reach_no_file(server, models):
    (Path(models) / "secret").mkdir(exist_ok=True)
    for name in ("..", "%2e%2e", "affine%2f..%2fsecret", "..%2f..%2fetc%2fpasswd", "affine%00"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(server.rest, f"/v1/models/{name}")
        with caught.value as error:
            assert error.code == 404 and "Could not find any versions of model" in json.loads(error.read())["error"]
