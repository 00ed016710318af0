"""TLS in front of a server that has none, with a certificate that this engine's functions trust.

ElastiCache encrypts in transit and clients verify its certificate; the Valkey of a wheel is built
without TLS. The certificate is made for this engine alone. Programs trust it through
SSL_CERT_FILE, which OpenSSL reads, in the environment that functions inherit from the engine.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import datetime
import ipaddress
import os
import shutil
import ssl
import tempfile
import threading
from pathlib import Path

from local.stores.processes import HOST

LOCK = threading.Lock()
CHUNK = 65536


class TlsFront:
    """Takes connections on a port of its own and passes them to another."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self._server = started.result(timeout=10)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, HOST, 0, ssl=_context())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind_reader, behind_writer = await asyncio.open_connection(HOST, self._behind)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass(reader, behind_writer), _pass(behind_reader, writer))

    def stop(self) -> None:
        """Take no more connections, and end those that there are."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        here = asyncio.current_task()
        open_ones = [each for each in asyncio.all_tasks() if each is not here]
        for each in open_ones:
            each.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


_CONTEXT: list[ssl.SSLContext] = []


def _context() -> ssl.SSLContext:
    """One certificate for the engine's life."""
    with LOCK:
        if not _CONTEXT:
            folder = Path(tempfile.mkdtemp(prefix="groundwork-tls-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            certificate, key = folder / "certificate.pem", folder / "key.pem"
            _write_certificate(certificate, key)
            trusted = folder / "trusted.pem"
            usual = ssl.get_default_verify_paths().cafile
            known = Path(usual).read_text() if usual and Path(usual).exists() else ""
            trusted.write_text(known + certificate.read_text())
            os.environ["SSL_CERT_FILE"] = str(trusted)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            _CONTEXT.append(context)
        return _CONTEXT[0]


def _write_certificate(certificate: Path, key: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Groundwork's local AWS")])
    now = datetime.datetime.now(datetime.UTC)
    addresses: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address(HOST)),
    ]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
