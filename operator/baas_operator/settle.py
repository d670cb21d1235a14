"""One look at one BlurJob: observe, decide, act, tell. All awaiting, no deciding."""

from dataclasses import replace

from baas_operator.decision import Decision
from baas_operator.kube import Forbidden, Invalid
from baas_operator.observed import Observed
from baas_operator.reasons import Reason
from baas_operator.reconcile import WAIT_SECONDS, reconcile
from baas_operator.status import status_of
from baas_operator.world import Key, NameTaken, World


async def settle(key: Key, world: World) -> tuple[Observed, Decision] | None:
    """Look once, and return what was seen and decided; None when the BlurJob is gone.

    The status is told last, so that it speaks only of what was done.
    """
    seen = await world.observe(key)
    if seen is None:
        return None
    decision = reconcile(seen)
    try:
        await world.act(seen, decision.actions)
    except (NameTaken, Forbidden, Invalid) as error:
        decision = hindered(decision, error)
    await world.tell(seen, status_of(seen, decision))
    return seen, decision


def hindered(decision: Decision, error: Exception) -> Decision:
    """Return what to tell when the API server did not let us act."""
    if isinstance(error, Invalid):
        return replace(decision, reason=Reason.INVALID_SPEC, message=str(error), actions=(), look_again_seconds=None)
    reason = Reason.NAME_TAKEN if isinstance(error, NameTaken) else Reason.REFUSED
    return replace(decision, reason=reason, message=str(error), actions=(), look_again_seconds=WAIT_SECONDS)
