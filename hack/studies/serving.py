"""How should a CPU serve the detector: all cores for one tile, a tile for each core, or tiles in batches?

    python -m hack.studies.serving .cache/models --rounds 3

Each way is a Triton of its own with the same graph. The same tiles are sent to each in turn, four requests at once.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
from tritonclient.grpc import InferenceServerClient

from baas_detector.card import CARD_NAME
from baas_detector.contract import MODEL_NAME
from baas_detector.repository import CONFIG_NAME, open_repository
from baas_detector.server import Ports, running
from baas_detector.triton_config import config_text
from baas_detector.weights import digest_of
from baas_preprocess.samples import generate
from tests.benchmarks.panoramas import bare, seconds, tiles_of
from tests.benchmarks.rounds import Finding, Outcome, alternate, markdown, ratios

DEFAULT = "all cores for one tile, no batches"
Change = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


def _with_batches(config: str) -> str:
    return f"{config}dynamic_batching {{ max_queue_delay_microseconds: 2000 }}\n"


def _on_each_core(config: str) -> str:
    return config.replace("count: 1", f"count: {len(os.sched_getaffinity(0))}")


def _one_thread(model: str) -> str:
    return model.replace('"INFERENCE_NUM_THREADS": cores()', '"INFERENCE_NUM_THREADS": 1')


WAYS: dict[str, tuple[Change, Change]] = {
    DEFAULT: (_as_it_is, _as_it_is),
    "all cores for one tile, batches": (_as_it_is, _with_batches),
    "a process for each core, no batches": (_one_thread, _on_each_core),
}
"""How each changes the model's program and Triton's configuration of it."""


def variant(models: Path, folder: Path, model_change: Change, config_change: Change) -> Path:
    """Copy a repository to `folder` with its model's program and configuration changed."""
    card = open_repository(models).card
    model = folder / MODEL_NAME / "1"
    shutil.copytree(models / MODEL_NAME / "1", model)
    program = model_change((model / "model.py").read_text()).encode()
    card = replace(card, built=replace(card.built, files={**card.built.files, "model.py": digest_of(program)}))
    (model / "model.py").write_bytes(program)
    (model / CARD_NAME).write_bytes(card.canonical())
    (model.parent / CONFIG_NAME).write_text(config_change(config_text({1: card})))
    return folder


@click.command()
@click.argument("models", type=click.Path(path_type=Path, exists=True))
@click.option("--rounds", default=3, show_default=True)
def main(models: Path, rounds: int) -> None:
    """Print how long each way takes, as a ratio to the default."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        shown = tiles_of(generate(folder / "in", count=2))
        clients = {}
        for number, (name, changes) in enumerate(WAYS.items()):
            repository = variant(models, folder / str(number), *changes)
            server = stack.enter_context(running(repository, Ports(), None, ready_seconds=180))
            address = f"{server.ports.address}:{server.ports.grpc}"
            clients[name] = stack.enter_context(InferenceServerClient(address))
        spent = alternate(
            {name: seconds(partial(bare, shown, client)) for name, client in clients.items()},
            rounds,
        )
    findings = [Finding(what=f"{DEFAULT}, {len(shown)} tiles", values=spent[DEFAULT], unit="s")]
    findings += [
        Finding(what=f"{name}, times that", values=ratios(spent[name], spent[DEFAULT]), unit="x")
        for name in WAYS
        if name != DEFAULT
    ]
    click.echo(markdown(Outcome(title="Serving", findings=findings)))


if __name__ == "__main__":
    main()
