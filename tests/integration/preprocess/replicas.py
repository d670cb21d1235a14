"""Several real Tritons that one name stands for, as a headless Service has it."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from dnslib import QTYPE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from ..conftest import DETECTOR

PORT = 18001
"""Of all, each at an address of its own below 127.0.0.0/8."""
_ANSWERED = re.compile(r"^nv_inference_request_success\{.*\} (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Replica:
    """One Triton."""

    process: subprocess.Popen[str]
    address: str
    metrics: str

    @property
    def answered(self) -> int:
        """How many requests it has answered since it began."""
        with urlopen(f"http://{self.metrics}/metrics", timeout=60) as page:
            (count,) = _ANSWERED.findall(page.read().decode())
        return int(count)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server and all that it has started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            os.killpg(int(child), number)


@dataclass(slots=True)
class Name(BaseResolver):  # type: ignore[misc]
    """A name server that knows one name, whatever it is asked for."""

    addresses: Sequence[str] = ()

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        """Answer with all addresses."""
        answer = request.reply()
        if request.q.qtype == QTYPE.A:
            for address in self.addresses:
                answer.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(address), ttl=5))
        return answer


@dataclass(slots=True)
class Replicas:
    """Tritons with one model, and the name by which they are found."""

    repository: Path
    stack: ExitStack
    name: Name = field(default_factory=Name)
    running: list[Replica] = field(default_factory=list)
    target: str = ""
    """What gRPC is to be told."""

    def add(self) -> Replica:
        """Start one more; it stands behind the name when it is ready."""
        address = f"127.0.0.{len(self.running) + 2}"
        where = ["--repository", str(self.repository), "--address", address, "--grpc-port", str(PORT)]
        process = self.stack.enter_context(
            subprocess.Popen([DETECTOR, "serve", *where], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        )
        self.stack.callback(process.terminate)
        assert process.stdout is not None
        replica = Replica(process, address, json.loads(process.stdout.readline())["metrics"])
        self.running.append(replica)
        self.name.addresses = [it.address for it in self.running]
        return replica


@contextmanager
def replicas(repository: Path) -> Iterator[Replicas]:
    """Give Tritons of which none runs yet, gone with the block."""
    with ExitStack() as stack:
        them = Replicas(repository, stack)
        silent = DNSLogger("-recv,-send,-request,-reply,-truncated,-error,-data")
        server = DNSServer(them.name, address="127.0.0.1", port=0, logger=silent)
        stack.callback(server.server.server_close)
        stack.callback(server.stop)
        server.start_thread()
        them.target = f"dns://127.0.0.1:{server.server.server_address[1]}/triton.test:{PORT}"
        yield them
