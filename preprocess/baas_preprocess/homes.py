"""Finds the run that published a picture, in the ledger of the destination that the picture lies in."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_ledger.audit import Signer, signing
from baas_ledger.corrections import runs_with_name
from baas_ledger.engine import open_ledger, reading
from baas_ledger.runs import run_into
from baas_preprocess.correction_reports import Reported
from baas_preprocess.earlier_runs import open_container, open_results
from baas_preprocess.loose import LoosePicture, destinations_of
from baas_preprocess.recorded import Home, PublishedPicture
from baas_preprocess.redact_more import Named, Task
from baas_preprocess.stores.folder import FolderDestination


class Homes:
    """Ledgers and destinations, each opened once and closed with the stack."""

    def __init__(self, stack: ExitStack, *, ledger: str | None, run_id: str | None, signer: Signer | None) -> None:
        """Without a `ledger`, destinations have their own; without a `run_id`, the latest run into each counts."""
        self._stack = stack
        self._ledger = ledger
        self._run_id = run_id
        self._signer = signer
        self._engines: dict[str, Engine] = {}
        self._homes: dict[Path, Home | None] = {}

    def published(self, file: Named) -> Task:
        """Return the task of correcting what a run has published. Raises `ConfigurationError` when none is known."""
        folders = destinations_of(file.path)
        found = [(folder, home) for folder in folders if (home := self._home_of(folder)) is not None]
        if not found:
            raise ConfigurationError(
                f"{file.shown} lies in no folder that {self._run_id or 'a run'} is known to have published into. Name "
                "the ledger with --ledger and the run with --run, or add --unrecorded if no run published it."
            )
        # A run that was named may know its folder by another name, as pods do.
        folder, home = next((pair for pair in found if str(pair[0]) == pair[1].run.destination), found[0])
        name = file.path.relative_to(folder).as_posix()
        picture = PublishedPicture(shown=file.shown, name=name, home=home, path=file.path, folders=folders)
        return Task(shown=file.shown, picture=picture, reports=file.reports)

    def published_at(self, address: str, named: Mapping[str, Sequence[Reported]]) -> list[Task]:
        """Return the tasks for pictures in a container. Raises `ConfigurationError` when no run there is known."""
        ledger, run = self._stack.enter_context(open_results(address, self._ledger, run_id=self._run_id, writes=True))
        destination = self._stack.enter_context(open_container(address))
        home = Home(destination=destination, ledger=signing(ledger, self._signer), run=run)
        return [
            Task(
                shown=name,
                picture=PublishedPicture(shown=name, name=name, home=home, path=None, folders=()),
                reports=reports,
            )
            for name, reports in named.items()
        ]

    def loose(self, file: Named) -> Task:
        """Return the task of correcting what no run has published. Raises `ConfigurationError` when one knows it."""
        for folder in destinations_of(file.path):
            ledger = self._ledger_of(folder)
            if ledger is None:
                continue
            # All runs in a folder's own ledger are into that folder, wherever it was then.
            destination = None if self._ledger is None else str(folder)
            with reading(ledger) as connection:
                runs = runs_with_name(connection, file.path.relative_to(folder).as_posix(), destination)
            if runs:
                run_id, state = runs[0]
                raise ConfigurationError(
                    f"{file.shown}: run {run_id} knows this picture (it is {state} there), and must know of its "
                    "corrections: leave out --unrecorded."
                )
        return Task(shown=file.shown, picture=LoosePicture(shown=file.shown, path=file.path), reports=file.reports)

    def _home_of(self, folder: Path) -> Home | None:
        if folder not in self._homes:
            self._homes[folder] = self._look_up(folder)
        return self._homes[folder]

    def _look_up(self, folder: Path) -> Home | None:
        ledger = self._ledger_of(folder)
        if ledger is None:
            return None
        with reading(ledger) as connection:
            run = run_into(connection, str(folder), self._run_id)
        if run is None:
            return None
        return Home(destination=FolderDestination(folder, label=run.destination), ledger=ledger, run=run)

    def _ledger_of(self, folder: Path) -> Engine | None:
        """Return the ledger that was named, else the folder's own if it has one."""
        url = self._ledger
        if url is None:
            own = FolderDestination.ledger_of(folder)
            if not own.is_file():
                return None
            url = str(own)
        if url not in self._engines:
            engine = signing(open_ledger(url, migrate=False), self._signer)
            self._stack.callback(engine.dispose)
            self._engines[url] = engine
        return self._engines[url]
