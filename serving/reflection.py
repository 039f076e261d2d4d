"""The standard gRPC reflection service, in its version 1 and in the v1alpha that older tools ask for.

Source: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md.
"""

import functools

from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from serving import health, protocol
from serving.errors import GRPC_CODES

V1ALPHA, V1 = "grpc.reflection.v1alpha", "grpc.reflection.v1"
SERVICES = (
    protocol.PREDICTION_SERVICE,
    protocol.MODEL_SERVICE,
    health.SERVICE,
    f"{V1}.ServerReflection",
    f"{V1ALPHA}.ServerReflection",
)
PATHS = tuple(f"/{package}.ServerReflection/ServerReflectionInfo" for package in (V1, V1ALPHA))

# The two versions differ in the name of their package alone, which does not travel: these serve both.
ServerReflectionRequest = reflection_pb2.ServerReflectionRequest
ServerReflectionResponse = reflection_pb2.ServerReflectionResponse


def _renamed(file, package, name):
    """Copy a file's definitions into another package."""
    copy = descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb)
    prefix, copy.name, copy.package = f".{copy.package}.", name, package
    for field in [field for message in copy.message_type for field in message.field if field.type_name]:
        field.type_name = field.type_name.replace(prefix, f".{package}.")
    for method in [method for service in copy.service for method in service.method]:
        method.input_type = method.input_type.replace(prefix, f".{package}.")
        method.output_type = method.output_type.replace(prefix, f".{package}.")
    return copy


_STANDARD = descriptor_pool.DescriptorPool()
_STANDARD.AddSerializedFile(health_pb2.DESCRIPTOR.serialized_pb)
_STANDARD.AddSerializedFile(reflection_pb2.DESCRIPTOR.serialized_pb)
_STANDARD.Add(_renamed(reflection_pb2.DESCRIPTOR, V1, "grpc/reflection/v1/reflection.proto"))


async def server_reflection_info(requests, services=SERVICES):
    """Answer `ServerReflectionInfo`.

    Args:
        requests: An asynchronous iterator of `ServerReflectionRequest`.
        services: The full names of the services that the server has.

    Yields:
        A `ServerReflectionResponse` for each request.
    """
    async for request in requests:
        response = ServerReflectionResponse(valid_host=request.host, original_request=request)
        kind = request.WhichOneof("message_request")
        try:
            if kind == "list_services":
                for name in services:
                    response.list_services_response.service.add(name=name)
            elif kind == "all_extension_numbers_of_type":
                name = request.all_extension_numbers_of_type
                response.all_extension_numbers_response.base_type_name = name
                response.all_extension_numbers_response.extension_number.extend(_extension_numbers(name))
            elif kind is not None:
                files = _with_imports(_find(kind, getattr(request, kind)))
                response.file_descriptor_response.file_descriptor_proto.extend(files)
            else:
                _fail(response, "INVALID_ARGUMENT", "the request must ask for something. Received: nothing")
        except KeyError:
            received = " ".join(str(getattr(request, kind)).split())
            _fail(response, "NOT_FOUND", f"{kind} finds nothing. Received: {received}")
        yield response


def _fail(response, code, message):
    response.error_response.error_code = GRPC_CODES[code]
    response.error_response.error_message = message


def _find(kind, value):
    if kind == "file_by_filename":
        return _first(lambda pool: pool.FindFileByName(value))
    if kind == "file_containing_symbol":
        return _first(lambda pool: _file_of(pool, value))
    return _first(lambda pool: _extension(pool, value.containing_type, value.extension_number).file)


def _file_of(pool, symbol):
    try:
        return pool.FindFileContainingSymbol(symbol)
    except KeyError:
        # The one kind of name that it does not know.
        return pool.FindMethodByName(symbol).containing_service.file


def _extension(pool, name, number):
    return pool.FindExtensionByNumber(pool.FindMessageTypeByName(name), number)


def _extension_numbers(name):
    extensions = _first(lambda pool: pool.FindAllExtensions(pool.FindMessageTypeByName(name)))
    return sorted(extension.number for extension in extensions)


def _first(find):
    """Look into each pool; what none of them has raises a `KeyError`."""
    try:
        return find(protocol.POOL)
    except KeyError:
        return find(_STANDARD)


@functools.lru_cache
def _with_imports(file):
    """List a file and all that it imports, serialized, the file first."""
    found, waiting = {}, [file]
    while waiting:
        descriptor = waiting.pop()
        if descriptor.name not in found:
            found[descriptor.name] = descriptor.serialized_pb
            waiting += descriptor.dependencies
    return list(found.values())
