"""Sentences for people: what happened, and what to do."""

from datetime import timedelta

from baas_crds.codes import ExitCode, QuarantineReason
from baas_operator.names import RETRY
from baas_operator.observed import Job, JobOutcome, Ledger, NotReady, Observed

PATIENCE = timedelta(seconds=30)
"""How long a Job may be without pods before that is worth a word."""


def trouble(seen: Observed, job: Job) -> str:
    """Say why pods of a Job cannot start; empty when there is nothing to say."""
    stuck = sorted((pod for pod in seen.pods if pod.job == job.name and pod.trouble), key=lambda pod: pod.name)
    if stuck:
        return f"{len(stuck)} of its {job.active} pods cannot start: {stuck[0].trouble}"
    none_yet = job.active == job.succeeded == job.failed == 0 and job.parallelism > 0
    if none_yet and seen.now - job.created_at > PATIENCE:
        return f"No pod could be made yet: `kubectl describe job {job.name}` says why."
    return ""


def last_words(seen: Observed, job: Job, exit_code: ExitCode | None = None) -> str:
    """Return what the Job's last pod said that failed, with one exit code if given."""
    silent = {None, ExitCode.DONE, ExitCode.INTERRUPTED}
    said = [
        pod
        for pod in seen.pods
        if pod.job == job.name
        and pod.last_words
        and pod.ended_at
        and (pod.exit_code == exit_code if exit_code else pod.exit_code not in silent)
    ]
    return max(said, key=lambda pod: (pod.ended_at, pod.name)).last_words if said else ""


def how_it_ended(seen: Observed, job: Job) -> str:
    """Say how a Job ended, with its pods' own words."""
    if job.outcome is JobOutcome.COMPLETE:
        return f"Job {job.name} completed."
    return f"Job {job.name} failed ({job.outcome_reason}). {last_words(seen, job)}".strip()


def how_to_retry(seen: Observed) -> str:
    """Say what to do when the cause is repaired."""
    return f"Once that is repaired: kubectl annotate blurjob {seen.name} {RETRY}=<a new word> --overwrite"


def waits_for(missing: NotReady | None) -> str:
    """Say what is missing."""
    return missing.message if missing else "It was not looked at yet."


def all_done(ledger: Ledger, *, only_new: bool = False) -> str:
    """Sum up a complete run."""
    progress = ledger.progress
    if not progress.total and only_new:
        return "Nothing is new: each picture of the source is finished, or left out."
    if not progress.total:
        return "The source holds no picture: check the place, its folder and the globs of spec.source."
    sums = (
        f"{progress.published} images are published, {progress.quarantined} are quarantined, "
        f"{progress.excluded} were left out on request."
    )
    return f"{sums}{of_samples(ledger)}"


def of_samples(ledger: Ledger | NotReady | None) -> str:
    """Say, behind other sentences, where copies of pictures are; empty where none were made."""
    return "".join(f" {told}" for told in ledger.samples) if isinstance(ledger, Ledger) else ""


def too_many_quarantined(seen: Observed, ledger: Ledger) -> str:
    """Say how many are too many, and the most frequent reason."""
    progress = ledger.progress
    allowed = seen.spec.max_quarantined_percent if seen.spec else 0
    reason, count = max(progress.quarantined_by_reason.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    why = f" Most frequent: {reason}, {count} times. {_explained(reason)}" if reason else ""
    return (
        f"{progress.quarantined} of {progress.published + progress.quarantined} images are quarantined; "
        f"maxQuarantinedPercent allows {allowed} %.{why} They stay unpublished.\n{how_to_retry(seen)}"
    )


def _explained(reason: str) -> str:
    return QuarantineReason(reason).explanation if reason in set(QuarantineReason) else ""
