"""`baas run`: the steps that a file switches on, one after the other."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from baas_crds.codes import ExitCode
from baas_crds.errors import ConfigurationError
from baas_ledger.facts import Progress
from baas_panoramas.address import address_of
from baas_panoramas.downloading import Fate
from baas_preprocess import folder_report
from baas_preprocess.part import NothingToDo
from baas_preprocess.steps import retrieving, training
from baas_preprocess.steps.config import Config
from baas_preprocess.steps.flags import TRAINING, Step
from baas_preprocess.steps.machine import (
    check_here,
    open_origin,
    open_source,
    retrieved_folder,
    selection_of,
    spec_of,
)
from baas_preprocess.steps.redacting import Redacted, Watch, recipe_of, redact
from baas_preprocess.steps.retrieved import Copies, Retrieved

OF_A_RUN = frozenset(Step) - {Step.RETRIEVE, Step.INSPECT, *TRAINING}
"""The steps that are one run together."""


class View(Watch, Protocol):
    """Whoever wants to see how all steps go."""

    def counted(self, title: str, number: int) -> None:
        """Take how many pictures a step has done."""

    def refused(self, sentence: str) -> None:
        """Take why a picture was passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a step ended."""

    step: Step
    sentence: str
    code: int = ExitCode.DONE
    """`DONE`, or `QUARANTINED` when the steps behind it go on; any other ends the run, such as `INTERRUPTED`."""
    seconds: float = 0.0
    facts: Mapping[str, object] = field(default_factory=dict)
    """The same for programs."""
    progress: Progress | None = None
    """Of the step `redact`: how its run stands."""


def check(config: Config) -> None:
    """Raise `ConfigurationError` for what can be known to fail before anything is begun."""
    check_here(config)
    if Step.RETRIEVE in config.steps:
        retrieved_folder(config)
    if config.spec is not None:
        selection_of(config)
    report = config.sections.inspect.report
    if Step.INSPECT in config.steps and report is not None:
        folder_report.check_report_file(config.beside(report), "inspect.report")
    section = config.sections.training
    if section is not None and set(TRAINING) & set(config.steps) and not config.beside(section.file).is_file():
        raise ConfigurationError(f"training.file {config.beside(section.file)} is not there")


def run_steps(config: Config, *, stop: threading.Event, view: View) -> Iterator[Done]:
    """Do the steps, and give each when it has ended. Doing it again goes on, and does only what is new or changed.

    Ends with a step that failed, and with the first that was not finished because `stop` was set. Raises
    `ConfigurationError` and `DependencyUnavailable`.
    """
    copies = Copies(folder=retrieved_folder(config)) if Step.RETRIEVE in config.steps else None
    for step in (Step.RETRIEVE, Step.INSPECT, Step.REDACT, *TRAINING):
        if step not in config.steps:
            continue
        if stop.is_set():
            yield Done(step=step, sentence="not begun", code=ExitCode.INTERRUPTED)
            return
        started = time.monotonic()
        for done in _do(config, step, copies, stop, view):
            seconds = time.monotonic() - started if done.step is step else 0.0
            yield replace(done, seconds=seconds)
            if done.code not in {ExitCode.DONE, ExitCode.QUARANTINED}:
                return


def code_of(ended: list[Done]) -> int:
    """Return what the command ends with."""
    codes = [done.code for done in ended]
    failed = next((code for code in codes if code not in {ExitCode.DONE, ExitCode.QUARANTINED}), None)
    return failed or max(codes, default=ExitCode.DONE)


def _do(config: Config, step: Step, copies: Copies | None, stop: threading.Event, view: View) -> Iterator[Done]:
    if step is Step.RETRIEVE and copies is not None:
        yield _retrieve(config, copies, stop, view)
    elif step is Step.INSPECT:
        yield _inspect(config, copies, stop, view)
    elif step is Step.REDACT:
        yield from _redact(config, copies, stop, view)
    elif config.sections.training is not None:
        view.status(f"Running baas-detector for steps.{step}")
        trained = training.train(config.beside(config.sections.training.file), step)
        yield Done(step=step, sentence=trained.sentence, code=trained.code, facts=trained.facts)


def _retrieve(config: Config, copies: Copies, stop: threading.Event, view: View) -> Done:
    """Fill `copies`."""
    folder, fates = copies.folder, Counter[Fate]()
    for done in _retrieved(config, copies, stop):
        copies.add(done)
        if done.fate is None:
            continue
        fates[done.fate] += 1
        view.counted("Retrieving", fates.total())
        if done.fate is Fate.REFUSED:
            view.refused(done.message)
    return Done(
        step=Step.RETRIEVE,
        sentence=retrieving.sentence_of(fates, folder),
        code=_code(stop, is_bad=fates[Fate.REFUSED] > 0),
        facts={"folder": str(folder), **{str(fate): number for fate, number in fates.items()}},
    )


def _retrieved(config: Config, copies: Copies, stop: threading.Event) -> Iterator[Retrieved]:
    folder, selection, panoramas = copies.folder, selection_of(config), spec_of(config).source.panorama_api
    if panoramas is not None:
        copies.origin = address_of(panoramas)
        patience_seconds = config.sections.machine.patience_seconds
        yield from retrieving.retrieve_panoramas(
            panoramas, folder, selection, patience_seconds=patience_seconds, stop=stop
        )
        return
    with open_origin(config) as origin:
        copies.origin = origin.label
        yield from retrieving.retrieve_blobs(origin, folder, selection, stop=stop)


def _inspect(config: Config, copies: Copies | None, stop: threading.Event, view: View) -> Done:
    report, max_pixels = folder_report.FolderReport(), recipe_of(config).max_pixels
    with open_source(config, copies and copies.without_left_out()) as source:
        for number, look in enumerate(folder_report.looked_at(source, max_pixels=max_pixels, stop=stop), 1):
            report.add(look)
            view.counted("Inspecting", number)
            if look.reason is not None:
                view.refused(f"{look.message} ({look.reason})")
    sentence = folder_report.sentence_of(report)
    named = config.sections.inspect.report
    if named is not None and not stop.is_set():
        folder_report.write_report(report, config.beside(named), "inspect.report")
        sentence += f"; {config.beside(named)}"
    return Done(
        step=Step.INSPECT,
        sentence=sentence,
        code=_code(stop, is_bad=bool(report.wrong)),
        facts=folder_report.document(report),
    )


def _code(stop: threading.Event, *, is_bad: bool) -> ExitCode:
    if stop.is_set():
        return ExitCode.INTERRUPTED
    return ExitCode.QUARANTINED if is_bad else ExitCode.DONE


def _redact(config: Config, copies: Copies | None, stop: threading.Event, view: View) -> Iterator[Done]:
    try:
        redacted = redact(config, copies, stop=stop, watch=view)
    except NothingToDo as nothing:
        yield Done(step=Step.REDACT, sentence=str(nothing))
        return
    yield from _told(config, redacted)


def _told(config: Config, redacted: Redacted) -> Iterator[Done]:
    """Give each step that is part of a run, with what the run says of it."""
    counts, looked = redacted.counts, redacted.second_look
    sentences: dict[Step, str] = {
        Step.DETECT: f"{counts.persons:,} persons, {counts.licence_plates:,} licence plates in published pictures",
        Step.REDACT: _published(counts),
        Step.VERIFY: f"{looked.images:,} pictures looked at again, {looked.found_later:,} objects found only then",
        Step.STORE_DETECTIONS: f"boxes beside {counts.published:,} pictures",
    }
    sentences |= {step: sentence for step, (sentence, _) in redacted.samples.items()}
    if retired := redacted.retired:
        sentences[Step.DELETE_SOURCE] = f"{retired.deleted:,} originals deleted, {len(retired.kept):,} kept"
    for step in (step for step in config.steps if step in OF_A_RUN):
        code = ExitCode.QUARANTINED if step is Step.REDACT and counts.quarantined else ExitCode.DONE
        if step not in sentences or (step is Step.REDACT and counts.remaining):
            code = ExitCode.INTERRUPTED
        yield Done(
            step=step,
            sentence=sentences.get(step, "not begun: the run has not come to its end"),
            code=code,
            progress=counts if step is Step.REDACT else None,
        )


def _published(counts: Progress) -> str:
    others = [
        f"{number:,} {what}"
        for number, what in (
            (counts.quarantined, "quarantined"),
            (counts.excluded, "excluded"),
            (counts.remaining, "waiting"),
        )
        if number
    ]
    return ", ".join([f"{counts.published:,} published", *others])
