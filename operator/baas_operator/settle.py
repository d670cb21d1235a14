"""One look at one BlurJob: observe, decide, act, tell. All awaiting, no deciding."""

from dataclasses import replace

from baas_operator.decision import Decision
from baas_operator.kube import Forbidden, Invalid
from baas_operator.names import Key
from baas_operator.notices import notices
from baas_operator.observed import Observed
from baas_operator.reasons import Reason
from baas_operator.reconcile import WAIT_SECONDS, reconcile
from baas_operator.spans import Look, tell_end
from baas_operator.status import status_of
from baas_operator.world import NameTaken, World


async def settle(key: Key, world: World, look: Look) -> tuple[Observed, Decision] | None:
    """Look once, and return what was seen and decided; None when the BlurJob is gone.

    The status is told last, so that it speaks only of what was done; then those hear of it who asked for that.
    """
    found = await world.find(key)
    if found is None:
        return None
    look.found(found)
    seen = await world.observe(found)
    decision = reconcile(seen)
    if decision.actions:
        look.acts()
    try:
        await world.act(seen, decision.actions)
    except (NameTaken, Forbidden, Invalid) as error:
        decision = hindered(decision, error)
    status = status_of(seen, decision)
    if await world.tell(seen, status):
        tell_end(seen, status)
        world.webhook.put(notices(seen, status))
    return seen, decision


def hindered(decision: Decision, error: Exception) -> Decision:
    """Return what to tell when the API server did not let us act."""
    if isinstance(error, Invalid):
        return replace(decision, reason=Reason.INVALID_SPEC, message=str(error), actions=(), look_again_seconds=None)
    reason = Reason.NAME_TAKEN if isinstance(error, NameTaken) else Reason.REFUSED
    return replace(decision, reason=reason, message=str(error), actions=(), look_again_seconds=WAIT_SECONDS)
