"""Addresses, and TLS with and without the client's own certificate."""

import shutil
import ssl
import subprocess

import grpc
import pytest

from serving.client import Client, ClientError, Tls
from serving.client.address import parse_address


@pytest.mark.parametrize(
    ("text", "rest", "secure", "target", "path"),
    [
        ("a:1", False, False, "a:1", ""),
        ("grpc://[::1]:8500", False, False, "[::1]:8500", ""),
        ("grpcs://a.b:1", False, True, "a.b:1", ""),
        ("unix:/run/s.sock", False, False, "unix:/run/s.sock", ""),
        ("http://a", True, False, "a", ""),
        ("http://[::1]:8501", True, False, "[::1]:8501", ""),
        ("https://a:1/b/", True, True, "a:1", "/b"),
    ],
)
def test_addresses(text, rest, secure, target, path):
    assert parse_address(text)[1:] == (rest, secure, target, path)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a:b", "ftp://a:1", "http://", "://a:1", "grpc://", "http://a:b", "http://a?b", "http://a@b", "unix:a"],
)
def test_addresses_that_make_no_sense(text):
    with pytest.raises(ValueError, match="address must be"):
        Client(text)


@pytest.mark.parametrize(
    ("address", "options", "words"),
    [
        ("a:1", {"tls": Tls()}, "grpcs:// or https://"),
        ("http://a:1", {"tls": Tls()}, "grpcs:// or https://"),
        ("a:1", {"retries": -1}, "retries must be"),
    ],
)
def test_arguments_that_make_no_sense(address, options, words):
    with pytest.raises(ValueError, match=words):
        Client(address, **options)


def test_a_certificate_needs_its_key():
    with pytest.raises(ValueError, match="together"):
        Tls(certificate=b"a")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder with ca, server and client certificates and keys."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificates")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    for name in ("server", "client"):
        openssl("req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed_by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed_by)
    return folder


def secure_start(standin, folder, mutual):
    ca, key, certificate = ((folder / name).read_bytes() for name in ("ca.pem", "server.key", "server.pem"))
    if standin.kind == "grpc":
        secure = grpc.ssl_server_credentials([(key, certificate)], ca if mutual else None, mutual)
    else:
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(folder / "server.pem", folder / "server.key")
        if mutual:
            secure.load_verify_locations(folder / "ca.pem")
            secure.verify_mode = ssl.CERT_REQUIRED
    standin.stop()
    standin.start(secure)
    return f"{'https' if standin.kind == 'rest' else 'grpcs'}://127.0.0.1:{standin.port}"


@pytest.mark.parametrize("mutual", [False, True])
def test_tls(standin, make_client, certificates, mutual):
    address = secure_start(standin, certificates, mutual)
    own = {"certificate": certificates / "client.pem", "key": (certificates / "client.key").read_bytes()}
    with make_client(address, tls=Tls(ca=certificates / "ca.pem", **(own if mutual else {}))) as client:
        assert client.predict("m", {"x": [[1, 2, 3]]})["y"].tolist() == [[3, 5, 7]]
        assert client.status("m")[0].version == 2


def test_strangers_are_refused(standin, make_client, certificates):
    address = secure_start(standin, certificates, mutual=True)
    for tls in (None, Tls(ca=certificates / "ca.pem")):
        with make_client(address, tls=tls, retries=0) as client, pytest.raises(ClientError) as caught:
            client.status("m", timeout=5)
        assert caught.value.code == "UNAVAILABLE"


@pytest.mark.parametrize("standin", ["grpc"], indirect=True)
def test_a_unix_socket(standin, make_client, tmp_path):
    standin.stop()
    standin.start(address=f"unix:{tmp_path}/s")
    with make_client(f"unix:{tmp_path}/s") as client:
        assert client.predict("m", {"x": [[1, 2, 3]]})["y"].tolist() == [[3, 5, 7]]
