import shutil
import ssl
import subprocess
import types

import pytest

from serving.config_protos import ConfigError
from serving.tls import server_context

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command makes the certificates")


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """A function that reads a file of this folder: ca, other, server and client, each .key and .crt; locked.key."""
    folder = tmp_path_factory.mktemp("pem")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other"):
        openssl("req", "-x509", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}")
    for name in ("server", "client"):
        openssl("req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "names").write_text("subjectAltName=DNS:localhost")
        signing = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.crt")
    openssl("pkey", "-in", "server.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key")
    return types.SimpleNamespace(folder=folder, read=lambda name: (folder / name).read_text())


@pytest.fixture
def config(pem):
    return types.SimpleNamespace(
        server_key=pem.read("server.key"), server_cert=pem.read("server.crt"), custom_ca="", client_verify=False
    )


@pytest.fixture
def client(pem):
    context = ssl.create_default_context(cafile=pem.folder / "ca.crt")
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def shake_hands(server, client):
    """Let two contexts talk in memory until both are content or one refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in reversed(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                pass
    assert not waiting
    return ends


def test_speaks_http2_over_tls(config, client):
    server_end, client_end = shake_hands(server_context(config), client)
    assert server_end.selected_alpn_protocol() == client_end.selected_alpn_protocol() == "h2"
    assert client_end.version() == "TLSv1.3"


def test_speaks_tls_1_2_and_nothing_older(config, client):
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shake_hands(server_context(config), client)[1].version() == "TLSv1.2"
    assert server_context(config).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_client_needs_no_certificate_unless_told(config, pem, client):
    config.custom_ca = pem.read("ca.crt")
    server_end, _ = shake_hands(server_context(config), client)
    assert server_end.getpeercert() is None


def test_a_client_shows_its_certificate_where_it_must(config, pem, client):
    config.custom_ca, config.client_verify = pem.read("ca.crt"), True
    client.load_cert_chain(pem.folder / "client.crt", pem.folder / "client.key")
    server_end, _ = shake_hands(server_context(config), client)
    assert server_end.getpeercert()["subject"] == ((("commonName", "client"),),)


def test_a_client_without_a_certificate_is_refused(config, pem, client):
    config.custom_ca, config.client_verify = pem.read("ca.crt"), True
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        shake_hands(server_context(config), client)


def test_a_client_signed_by_another_is_refused(config, pem, client):
    config.custom_ca, config.client_verify = pem.read("ca.crt"), True
    client.load_cert_chain(pem.folder / "other.crt", pem.folder / "other.key")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server_context(config), client)


@pytest.mark.parametrize("field", ["server_key", "server_cert"])
@pytest.mark.parametrize("wrong", ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_wrong_key_or_certificate_is_an_error(config, field, wrong):
    setattr(config, field, wrong)
    with pytest.raises(ConfigError, match=rf"^--ssl_config_file: .*{field} .*PEM .*Received: ."):
        server_context(config)


def test_the_key_of_another_certificate_is_an_error(config, pem):
    config.server_key = pem.read("client.key")
    with pytest.raises(ConfigError, match=r"server_key.*Received: KEY_VALUES_MISMATCH"):
        server_context(config)


def test_a_key_with_a_password_is_an_error_and_not_a_question(config, pem):
    config.server_key = pem.read("locked.key")
    with pytest.raises(ConfigError, match="without a password"):
        server_context(config)


@pytest.mark.parametrize("wrong", ["", "not PEM", "ümlaut"])
def test_a_wrong_authority_is_an_error(config, wrong):
    config.custom_ca, config.client_verify = wrong, True
    with pytest.raises(ConfigError, match=r"^--ssl_config_file: custom_ca .*PEM .*Received: ."):
        server_context(config)


def test_no_key_stays_behind(config, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    server_context(config)
    config.server_key = "not PEM"
    with pytest.raises(ConfigError):
        server_context(config)
    assert list(tmp_path.iterdir()) == []
