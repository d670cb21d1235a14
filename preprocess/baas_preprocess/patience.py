"""How something that went away for a moment is waited for: the same way for Triton, stores and databases."""

import tenacity

from baas_crds.errors import DependencyUnavailable
from baas_preprocess.measures import count_retry


def patient(seconds: float, *, dependency: str, attempts: int = 1) -> tenacity.Retrying:
    """Return what calls a function again while it raises `DependencyUnavailable`, for so many seconds.

    Calls that last may use up the time alone: `attempts` are made in any case. `dependency` is what they are counted
    under.

    The pauses grow to 5 seconds and are random, so that many workers do not come back at the same instant.
    """
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(DependencyUnavailable),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
        stop=tenacity.stop_after_delay(seconds) & tenacity.stop_after_attempt(attempts),
        before_sleep=lambda _: count_retry(dependency),
        reraise=True,
    )
