"""A Triton for a benchmark, with the real detector or one that answers what was recorded."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from baas_detector.card import CARD_NAME
from baas_detector.contract import MODEL_NAME
from baas_detector.repository import CONFIG_NAME, open_repository
from baas_detector.triton_config import config_text
from baas_detector.weights import digest_of

PROGRAMS = Path(sys.executable).parent


@contextmanager
def running_triton(repository: Path) -> Iterator[str]:
    """Serve a model repository on loopback; gives the gRPC address, `host:port`."""
    serve = [str(PROGRAMS / "baas-detector"), "serve", f"--repository={repository}"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        if server.stdout is None:
            raise RuntimeError("no output of Triton")
        try:
            yield json.loads(server.stdout.readline())["grpc"]
        finally:
            server.terminate()


def recorded_repository(models: Path, folder: Path, seconds: float) -> Path:
    """Make a repository with the contract of the one in `models`, whose model answers recorded boxes so late."""
    model = folder / MODEL_NAME / "1"
    model.mkdir(parents=True)
    source = Path(__file__).with_name("recorded_model.py").read_bytes()
    waits = f"{seconds}\n".encode()
    card = open_repository(models).card
    files = {"model.py": source, "seconds": waits}
    card = replace(card, built=replace(card.built, files={name: digest_of(data) for name, data in files.items()}))
    for name, data in {**files, CARD_NAME: card.canonical()}.items():
        (model / name).write_bytes(data)
    (model.parent / CONFIG_NAME).write_text(config_text({1: card}))
    return folder
