"""TLS for the gRPC port, from the text `SSLConfig` of `--ssl_config_file`."""

import ssl
import tempfile

from serving.config_protos import ConfigError

# Those of TLS 1.2 that HTTP/2 does not forbid (RFC 9113, appendix A).
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def server_context(config):
    """Build the context of a server that speaks HTTP/2 over TLS 1.2 or newer.

    Args:
        config: An `SSLConfig` message, or an object with its `server_key`, `server_cert` and `custom_ca`, each PEM
            text itself, and `client_verify`: whether clients must have a certificate signed by `custom_ca`.

    Returns:
        An `ssl.SSLContext`.

    Raises:
        ConfigError: If a key or certificate is missing or cannot be used.
    """
    for field in ("server_key", "server_cert", *(["custom_ca"] if config.client_verify else [])):
        if not getattr(config, field):
            needed = " where client_verify is true" if field == "custom_ca" else ""
            raise ConfigError(f"--ssl_config_file: {field} must hold PEM text{needed}. Received: nothing")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["h2"])
    _load(
        f"{config.server_cert}\n{config.server_key}\n",
        # Without a password given, a key that needs one would ask for it at the terminal.
        lambda path: context.load_cert_chain(path, password=""),
        "server_cert must be a PEM certificate chain, and server_key its PEM key without a password",
    )
    # TensorFlow Serving, too, has no use for custom_ca where it asks for no certificate.
    if config.client_verify:
        _load(config.custom_ca, context.load_verify_locations, "custom_ca must be PEM certificates")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _load(text, load, accepted):
    # The ssl module reads keys from files only; this one is for its owner alone, and gone at once.
    with tempfile.NamedTemporaryFile(prefix="serving-") as file:
        file.write(text.encode())
        file.flush()
        try:
            load(file.name)
        except ssl.SSLError as error:
            raise ConfigError(f"--ssl_config_file: {accepted}. Received: {error.reason or error}") from None
