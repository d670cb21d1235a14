"""A privacy officer's question to a finished BlurJob: is its evidence whole, and was it signed with our key?"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from baas_crds.codes import ExitCode
from tests.azurite import ACCOUNT, connection_string_of
from tests.e2e.clusters import Cluster, fresh_namespace, run
from tests.e2e.pictures import photos
from tests.e2e.runs import BlurJobRun
from tests.e2e.services import CONTAINER, PASSWORD, Backends, Images, Release, release
from tests.integration.preprocess.conftest import Ended, command
from tests.waiting import PATIENCE_SECONDS

SECRET = "city-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A pair of keys, as docs/operations.md has them made."""

    private: Path
    public: Path


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    keys = Keys(private=folder / "audit.pem", public=folder / "audit.pub")
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", keys.private)
    run("openssl", "pkey", "-in", keys.private, "-pubout", "-out", keys.public)
    return keys


@pytest.fixture(scope="module")
def signing(cluster: Cluster, service_images: Images, servers: Backends, service: Release) -> Iterator[Release]:
    """A release whose pods sign, beside the other one and with its Triton. Its key is not there yet."""
    triton = {"enabled": False, "url": f"grpc://{service.name}-triton.{service.namespace}.svc:8001"}
    key = {"signingKey": {"existingSecret": SECRET}}
    with (
        fresh_namespace(cluster, "signing") as namespace,
        release(cluster, service_images, servers, namespace=namespace, triton=triton, audit=key) as it,
    ):
        it.install()
        it.sql(f"CREATE ROLE officer LOGIN PASSWORD '{PASSWORD}'; GRANT pg_read_all_data TO officer")
        yield it


def verify(it: Release, run: BlurJobRun, *options: str | Path) -> Ended:
    """Let `baas audit verify` look at a run from outside of the cluster, as somebody who may only read."""
    of = it.backends.namespace
    with (
        it.cluster.forwarded(of, "service/postgres", 5432) as database,
        it.cluster.forwarded(of, "service/azurite", 10000) as store,
    ):
        account = f"http://127.0.0.1:{store}/{ACCOUNT}"
        output = f"{account}/{CONTAINER}/{run.namespace}/{run.name}"
        ledger = f"postgresql://officer:{PASSWORD}@127.0.0.1:{database}/{it.database}"
        words = command("audit", "verify", output, "--run", run.uid, "--ledger", ledger, "--json", *options)
        env = os.environ | {"BAAS_OUTPUT_CONNECTION_STRING": connection_string_of(account)}
        done = subprocess.run(words, check=False, env=env, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.fixture(scope="module")
def signed(signing: Release, keys: Keys) -> BlurJobRun:
    """A run that first lacks its key, then a picture, and is complete after two retries."""
    pictures = photos(4)
    broken, data = next(iter(pictures.items()))
    signing.backends.upload("evidence", pictures | {broken: data[:9000]})
    it = signing.blur("signed", source="evidence")
    it.wait("Failed")
    message = it.condition("Failed")["message"]
    assert it.condition("Failed")["reason"] == "ConfigurationError"
    assert f"There is no key for audit records at /etc/baas-audit/{SECRET}/audit.pem" in message
    assert f"namespace {signing.namespace} needs it, too" in message
    assert not signing.output(it)

    file = f"--from-file=audit.pem={keys.private}"
    signing.cluster.kubectl("create", "secret", "generic", "-n", signing.namespace, SECRET, file)
    it.ask_for_retry("there-is-a-key")
    it.wait_for_reason("TooManyQuarantined")

    signing.backends.upload("evidence", pictures)
    it.ask_for_retry("the-picture-is-whole")
    it.wait("Complete")
    return it


def test_a_run_with_a_key_is_signed_and_whole(signing: Release, signed: BlurJobRun, keys: Keys) -> None:
    ended = verify(signing, signed, "--public-key", keys.public)
    assert ended.code == ExitCode.DONE, ended
    # Three published and one quarantined; that one sent back by the operator, which has no key, and then published.
    told = ended.document
    assert (told["records"], told["signed"], told["images"], told["outputs"], told["problems"]) == (6, 5, 4, 4, [])


def test_the_key_is_in_no_object_and_no_log(signing: Release, signed: BlurJobRun, keys: Keys) -> None:
    secret = keys.private.read_text().splitlines()[1]
    seen = signing.seen_by_viewers()
    assert any("BAAS_AUDIT_KEY" in text for text in seen)
    assert not any(secret in text for text in seen)


def test_a_run_without_a_key_is_whole_and_not_signed(service: Release, signed: BlurJobRun, keys: Keys) -> None:
    """The pictures are those of the other release's run, the bytes are the same."""
    unsigned = service.blur("unsigned", source="evidence")
    unsigned.wait("Complete")
    ended = verify(service, unsigned)
    assert ended.code == ExitCode.DONE, ended
    assert (ended.document["records"], ended.document["outputs"]) == (4, 4)
    ended = verify(service, unsigned, "--public-key", keys.public)
    assert (ended.code, ended.document["problems"]) == (ExitCode.TAMPERED, ["record 1 is not signed"])
