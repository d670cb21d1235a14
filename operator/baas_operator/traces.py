"""Ids of a BlurJob's trace and of those of its spans that others continue. They follow from its uid. Pure."""

import hashlib


def trace_id(uid: str) -> str:
    """Return the id of the trace that joins all that is done for a BlurJob: its uid, so that it is never lost."""
    return uid.replace("-", "")


def root_span_id(uid: str) -> str:
    """Return the id of the span of the whole BlurJob."""
    return hashlib.sha256(uid.encode()).hexdigest()[:16]


def job_span_id(uid: str, job: str) -> str:
    """Return the id of the span of a Job's creation."""
    return hashlib.sha256(f"{uid}/{job}".encode()).hexdigest()[:16]


def traceparent(uid: str, job: str) -> str:
    """Return what lets a Job's pods go on with the span of its creation (https://www.w3.org/TR/trace-context)."""
    return f"00-{trace_id(uid)}-{job_span_id(uid, job)}-01"
