"""Run the Triton server that the `nvidia-pytriton` wheel carries, as a child that does not outlive us.

The wheel's server needs three things, which are arranged here without writing into the installation: its python backend
beside the stub for our Python version, that Python first on PATH (the stub finds its packages through it and ignores
PYTHONPATH), and the shared libraries of that Python and of the wheel on LD_LIBRARY_PATH.
"""

import ctypes
import fcntl
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from baas_crds.errors import ConfigurationError, DependencyUnavailable
from baas_detector.contract import MODEL_NAME
from baas_detector.triton_tracing import tracing_flags

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - only when asked for, as in a pod
STOP_SECONDS = 10
"""How long requests in flight may take to end."""
CONNECTION_SECONDS = 30
"""So old a connection is ended, when its requests are: clients look up who serves only when they connect."""
_PREFIX = "baas-triton-"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Triton's python backend puts its regions
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """An IPv4 address and its ports; in a wish, 0 means a free one."""

    address: str = LOOPBACK
    grpc: int = 0
    http: int = 0
    metrics: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server process that we started."""

    process: subprocess.Popen[bytes]
    ports: Ports
    log: BinaryIO

    def wait_until_ready(self, seconds: float) -> None:
        """Return when the model is loaded and warm."""
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            if self.process.poll() is not None:
                raise ConfigurationError(f"The Triton server could not start: {_last_error(self.log)}")
            if time.monotonic() > deadline:
                raise DependencyUnavailable(f"The Triton server was not ready within {seconds:.0f} s; see its log")
            arrived = signal.sigtimedwait(_SIGNALS, 0.1)
            if arrived is not None and arrived.si_signo != signal.SIGCHLD:
                raise KeyboardInterrupt

    def wait_for_signal(self) -> None:
        """Return on SIGTERM or SIGINT. Raises `DependencyUnavailable` when the server ends by itself."""
        while self.process.poll() is None:
            if signal.sigwait(_SIGNALS) != signal.SIGCHLD:
                return
        raise DependencyUnavailable(
            f"The Triton server went away (exit code {self.process.returncode}): {_last_error(self.log)}"
        )

    def _is_ready(self) -> bool:
        # Metrics are served last; a model that is warm does not mean that they are there.
        return self._answers(self.ports.http, f"v2/models/{MODEL_NAME}/ready") and self._answers(
            self.ports.metrics, "metrics"
        )

    def _answers(self, port: int, path: str) -> bool:
        host = LOOPBACK if self.ports.address == EVERYWHERE else self.ports.address
        with suppress(OSError), urllib.request.urlopen(f"http://{host}:{port}/{path}", timeout=1) as answer:
            return bool(answer.status == 200)
        return False


@contextmanager
def running(repository: Path, wish: Ports, log: BinaryIO | None, *, ready_seconds: float) -> Iterator[Running]:
    """Start a server, wait until the model is warm, and at the end stop it with all its children.

    Its log goes to `log`, or to a file that is removed with everything else. SIGTERM, SIGINT and SIGCHLD are blocked
    meanwhile and received by the methods of `Running`: call it from the main thread. Raises `ConfigurationError` when
    the server cannot start and `DependencyUnavailable` when it is not ready in time.
    """
    with _private_folder() as (folder, lock), _blocked_signals(), ExitStack() as stack:
        ports, reserved = _reserve(wish)
        log = log or stack.enter_context((folder / "triton.log").open("w+b"))
        process = subprocess.Popen(
            _command(repository, ports, folder),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock,),  # the folder is in use while either of us lives
            process_group=0,  # Ctrl-C is for us; the server gets SIGTERM from us
            preexec_fn=_end_with(os.getpid()),  # noqa: PLW1509 - safe, no thread of ours runs
        )
        try:
            server = Running(process=process, ports=ports, log=log)
            with reserved:
                server.wait_until_ready(ready_seconds)
            # Tiles as they were taken lie there, and the backend lets everybody read them, whatever the umask.
            for region in _SHARED_MEMORY.glob(f"{folder.name}*"):
                region.chmod(0o600)
            yield server
        finally:
            _stop(process)


def _command(repository: Path, ports: Ports, folder: Path) -> list[str]:
    wheel = _wheel()
    backend = folder / "backends" / "python"
    backend.mkdir(parents=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for file in [
        *(wheel / "backends" / "python").iterdir(),
        wheel / "python_backend_stubs" / version / "triton_python_backend_stub",
    ]:
        (backend / file.name).symlink_to(file)
    return [
        str(wheel / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        "--model-control-mode=explicit",  # whatever else lies in the folder is not ours to load
        f"--load-model={MODEL_NAME}",
        "--disable-auto-complete-config",
        f"--backend-directory={backend.parent}",
        f"--backend-config=python,shm-region-prefix-name={folder.name}",
        f"--cache-directory={wheel / 'caches'}",
        f"--exit-timeout-secs={STOP_SECONDS}",
        f"--grpc-max-connection-age={CONNECTION_SECONDS * 1000}",
        "--allow-gpu-metrics=false",
        *(f"--{name}-address={ports.address}" for name in ("grpc", "http", "metrics")),
        f"--grpc-port={ports.grpc}",
        f"--http-port={ports.http}",
        f"--metrics-port={ports.metrics}",
        *tracing_flags(os.environ),
    ]


def _environment() -> dict[str, str]:
    libraries = [str(_wheel().parents[1] / "nvidia_pytriton.libs"), os.environ.get("LD_LIBRARY_PATH", "")]
    libdir, library = sysconfig.get_config_vars("LIBDIR", "INSTSONAME")
    if (Path(libdir) / library).exists():
        libraries.insert(0, libdir)
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return os.environ | {"PATH": ":".join(path), "LD_LIBRARY_PATH": ":".join(filter(None, libraries))}


def _wheel() -> Path:
    spec = importlib.util.find_spec("pytriton")
    if spec is None or spec.origin is None:
        raise ConfigurationError("Serving needs the bundled Triton server: install the extra `triton_cpu`")
    return Path(spec.origin).parent / "tritonserver"


def _reserve(wish: Ports) -> tuple[Ports, ExitStack]:
    """Return the ports wished for, or free ones, and what keeps others from them until the server listens.

    Raises `ConfigurationError` for a port that is taken.
    """
    with ExitStack() as held:
        grpc, http, metrics = (_bound(wish.address, port, held) for port in (wish.grpc, wish.http, wish.metrics))
        return Ports(address=wish.address, grpc=grpc, http=http, metrics=metrics), held.pop_all()


def _bound(address: str, port: int, held: ExitStack) -> int:
    # Bound but not listening, with SO_REUSEADDR: the server may bind it too, and nobody is given it as a free port.
    reservation = held.enter_context(socket.socket())
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reservation.bind((address, port))
    except OSError as error:
        raise ConfigurationError(f"Port {port} on {address} cannot be used: {error.strerror}") from error
    return int(reservation.getsockname()[1])


def _end_with(parent: int) -> Callable[[], None]:
    def in_child() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        # SIGTERM rather than SIGKILL: the server then removes its shared memory.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS * 2)
    # A backend's process outlives a server that was killed, and heeds no other signal.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _blocked_signals() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _private_folder() -> Iterator[tuple[Path, int]]:
    """A folder for this server alone, and the lock that says that it is in use.

    First removes what killed servers left: folders whose lock nobody holds, and their shared memory.
    """
    for lock_file in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/lock"):
        with suppress(OSError), lock_file.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(lock_file.parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        with (folder / "lock-being-made").open("xb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            Path(lock.name).rename(folder / "lock")
            yield folder, lock.fileno()
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    for region in _SHARED_MEMORY.glob(f"{folder.name}*"):
        region.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _last_error(log: BinaryIO) -> str:
    """Return the last line of the log that speaks of a failure."""
    if not log.readable():
        return "see its log above"
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()
    return next(
        (line for line in reversed(lines) if line.startswith("E") or "error" in line.lower()), "it gave no reason"
    )
