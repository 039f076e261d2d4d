import asyncio
import threading

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from serving import reflection
from serving.protocol import PredictRequest
from serving.reflection import SERVICES, ServerReflectionRequest, ServerReflectionResponse, server_reflection_info


def ask(**requests):
    """Put one request of each kind named, over one stream, and gather the responses."""

    async def stream():
        for kind, value in requests.items():
            yield ServerReflectionRequest(**{kind: value})

    async def gather():
        return [response async for response in server_reflection_info(stream())]

    return asyncio.run(gather())


@pytest.fixture(scope="module")
def address():
    """A server of the reflection service alone, by grpcio."""
    loop, started = asyncio.new_event_loop(), {}

    async def start():
        async def answer(requests, context):
            async for response in server_reflection_info(requests):
                yield response

        handler = grpc.stream_stream_rpc_method_handler(
            answer,
            ServerReflectionRequest.FromString,
            ServerReflectionResponse.SerializeToString,
        )
        server = grpc.aio.server()
        for path in reflection.PATHS:
            service, method = path.strip("/").split("/")
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        started["port"] = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server

    server = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"127.0.0.1:{started['port']}"
    asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture
def database(address):
    with grpc.insecure_channel(address) as channel:
        yield ProtoReflectionDescriptorDatabase(channel)


def test_grpcs_own_client_lists_the_services(database):
    assert sorted(database.get_services()) == sorted(SERVICES)


def test_grpcs_own_client_builds_a_request(database):
    pool = DescriptorPool(database)
    service = pool.FindServiceByName("tensorflow.serving.PredictionService")
    request = GetMessageClass(service.methods_by_name["Predict"].input_type)()
    request.model_spec.name = "affine"
    request.inputs["x"].float_val.append(1.5)
    read = PredictRequest.FromString(request.SerializeToString())
    assert (read.model_spec.name, list(read.inputs["x"].float_val)) == ("affine", [1.5])


@pytest.mark.parametrize("service", SERVICES)
def test_grpcs_own_client_finds_every_service_that_is_listed(database, service):
    assert DescriptorPool(database).FindServiceByName(service).full_name == service


def test_grpcs_own_client_is_told_what_there_is_not(database):
    with pytest.raises(KeyError):
        database.FindFileByName("nothing.proto")
    with pytest.raises(KeyError):
        database.FindFileContainingSymbol("tensorflow.serving.Nothing")
    with pytest.raises(KeyError):
        database.FindAllExtensionNumbers("tensorflow.serving.Nothing")
    assert database.FindAllExtensionNumbers("tensorflow.serving.PredictRequest") == []


def test_the_newer_version_answers_alike(address):
    name = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    with grpc.insecure_channel(address) as channel:
        # A client of version 1 has messages of its own, made from that version's definitions.
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName("grpc.reflection.v1.ServerReflection").methods_by_name["ServerReflectionInfo"]
        request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        call = channel.stream_stream(name, request.SerializeToString, response.FromString)
        (answer,) = call(iter([request(list_services="")]), timeout=5)
    assert answer.DESCRIPTOR.full_name == "grpc.reflection.v1.ServerReflectionResponse"
    assert [service.name for service in answer.list_services_response.service] == list(SERVICES)


def test_answers_each_request_of_a_stream_in_turn():
    answers = ask(file_by_filename="nothing.proto", file_containing_symbol="grpc.health.v1.Health", list_services="")
    kinds = [answer.WhichOneof("message_response") for answer in answers]
    assert kinds == ["error_response", "file_descriptor_response", "list_services_response"]
    assert answers[0].original_request.file_by_filename == "nothing.proto"
    assert answers[0].error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert answers[0].error_response.error_message == "file_by_filename finds nothing. Received: nothing.proto"


@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        ("tensorflow.serving.PredictionService.Predict", b"tensorflow_serving/apis/prediction_service.proto"),
        ("tensorflow.serving.ModelVersionStatus.State", b"tensorflow_serving/apis/get_model_status.proto"),
        ("tensorflow.serving.PredictRequest.model_spec", b"tensorflow_serving/apis/predict.proto"),
        ("grpc.health.v1.Health.Watch", b"grpc_health/v1/health.proto"),
    ],
)
def test_methods_and_fields_are_found_too(symbol, file):
    (answer,) = ask(file_containing_symbol=symbol)
    assert file in answer.file_descriptor_response.file_descriptor_proto[0]


@pytest.mark.parametrize("name", ["tensorflow.serving.PredictRequest", "grpc.health.v1.HealthCheckRequest", "nothing"])
def test_there_are_no_extensions(name):
    (answer,) = ask(file_containing_extension={"containing_type": name, "extension_number": 1000})
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert f'Received: containing_type: "{name}" extension_number: 1000' in answer.error_response.error_message


def test_an_empty_request_is_refused_and_the_stream_goes_on():
    async def stream():
        yield ServerReflectionRequest(host="somewhere")
        yield ServerReflectionRequest(list_services="")

    async def gather():
        return [response async for response in server_reflection_info(stream())]

    refused, listed = asyncio.run(gather())
    assert refused.error_response.error_code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert refused.valid_host == "somewhere"
    assert listed.list_services_response.service


def test_lists_the_services_that_it_is_given():
    async def stream():
        yield ServerReflectionRequest(list_services="")

    async def gather():
        return [response async for response in server_reflection_info(stream(), ("one", "two"))]

    (answer,) = asyncio.run(gather())
    assert [service.name for service in answer.list_services_response.service] == ["one", "two"]
