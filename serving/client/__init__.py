"""A client for this server and for TensorFlow Serving. It does not import TensorFlow."""

from serving.client.address import Tls
from serving.client.asynchronous import AsyncClient
from serving.client.calls import ClientError
from serving.client.sync import Client

__all__ = ["AsyncClient", "Client", "ClientError", "Tls"]
