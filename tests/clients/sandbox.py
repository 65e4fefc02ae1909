"""A sandbox tenant that runs as a process of its own, and clients of Microsoft's that speak to it."""

import asyncio
import datetime
import ipaddress
import os
import re
import subprocess
from pathlib import Path

import httpx
from azure.identity import ClientSecretCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.graph_request_adapter import options as graph_options
from msgraph_core import GraphClientFactory
from msgraph_core.requests.batch_request_item import BatchRequestItem

SCOPE = "https://graph.microsoft.com/.default"


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Writes a certificate for this machine's loopback address, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sandbox")])
    now = datetime.datetime.now(datetime.timezone.utc)
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / "certificate.pem", directory / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file


class Sandbox:
    """`seatkeeper sandbox` on a free port, over HTTPS: azure-identity signs in over nothing else."""

    def __init__(self, directory: Path, *arguments: str):
        self.certificate, key = make_certificate(directory)
        command = [os.environ["SEATKEEPER"], "sandbox", "--listen", "127.0.0.1:0"]
        command += ["--tls-certificate", str(self.certificate), "--tls-key", str(key), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        said = ""
        while "endpoints:" not in said:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"the sandbox did not start: {said}")
            said += line
        self.url = re.search(r"served at (\S+)", said)[1]
        self.tenant_id = re.search(r"tenant_id: (\S+)", said)[1]
        self.client_id = re.search(r"client_id: (\S+)", said)[1]
        self.secret = re.search(r"SEATKEEPER_SECRET=(\S+)", said)[1]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def credential(self, **changes) -> ClientSecretCredential:
        """Signs in as scripts do. A login host that Microsoft does not know is not looked up there."""
        settings = {
            "tenant_id": self.tenant_id,
            "client_id": self.client_id,
            "client_secret": self.secret,
            "authority": self.url,
            "disable_instance_discovery": True,
            "connection_verify": str(self.certificate),
        }
        return ClientSecretCredential(**{**settings, **changes})

    def http(self, **settings) -> httpx.AsyncClient:
        context = httpx.create_ssl_context(verify=str(self.certificate))
        return httpx.AsyncClient(verify=context, timeout=60, **settings)

    def graph(self, credential=None, http=None) -> GraphServiceClient:
        """The SDK with its own middleware (retries among it) and another host than Microsoft's."""
        return graph_client(credential or self.credential(), self.url, http or self.http())


def graph_client(credential, url: str, http: httpx.AsyncClient) -> GraphServiceClient:
    provider = AzureIdentityAuthenticationProvider(credential, scopes=[SCOPE])
    client = GraphClientFactory.create_with_default_middleware(
        client=http, options=graph_options
    )
    adapter = GraphRequestAdapter(provider, client)
    adapter.base_url = f"{url}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


def batch_item(name: str, request) -> BatchRequestItem:
    """An item of a batch. A client that was used before makes absolute URLs, which no batch may hold:
    it remembers its base URL among the parameters of the path."""
    request.path_parameters.pop("baseurl", None)
    return BatchRequestItem(request, id=name)


def run(coroutine):
    """Runs to the end, in an event loop of its own."""
    return asyncio.run(coroutine)
