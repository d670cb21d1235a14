"""One look at one BlurJob: observe, decide, act, tell. All awaiting, no deciding."""

from dataclasses import dataclass, replace

from baas_crds.status import BlurJobStatus
from baas_operator.changes import is_news
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What one look has found, decided and told."""

    seen: Observed
    decision: Decision
    status: BlurJobStatus
    is_told: bool = False
    """Whether the status stands in the cluster; mere counts may have to wait."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was to be done, and nothing to be told but counts."""
        return not self.decision.actions and not is_news(self.seen.told, self.status)


async def settle(key: Key, world: World, look: Look) -> Settled | None:
    """Look once, and return what came of it; None when the BlurJob is gone.

    What is remembered is enough as long as nothing is to be done. What is done is decided on what the API server says
    just then. The status is told last, so that it speaks only of what was done; then those hear of it who asked for
    that.
    """
    settled = await _glance(key, world, look) or await _study(key, world, look)
    if settled is None or settled.status == settled.seen.told:
        return settled and replace(settled, is_told=True)
    is_told = await world.tell(settled.seen, settled.status)
    if is_told:
        tell_end(settled.seen, settled.status)
        world.webhook.put(notices(settled.seen, settled.status))
    return replace(settled, is_told=is_told)


async def _glance(key: Key, world: World, look: Look) -> Settled | None:
    """Return what memory gives, if that is quiet."""
    remembered = world.memory.recall(key)
    if remembered is None:
        return None
    look.found(remembered)
    seen = await world.around(remembered)
    decision = reconcile(seen)
    settled = Settled(seen=seen, decision=decision, status=status_of(seen, decision))
    return settled if settled.is_quiet else None


async def _study(key: Key, world: World, look: Look) -> Settled | None:
    """Ask anew, and do what is to be done."""
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
    return Settled(seen=seen, decision=decision, status=status_of(seen, decision))


def hindered(decision: Decision, error: Exception) -> Decision:
    """Return what to tell when the API server did not let us act."""
    if isinstance(error, Invalid):
        return replace(decision, reason=Reason.INVALID_SPEC, message=str(error), actions=(), look_again_seconds=None)
    reason = Reason.NAME_TAKEN if isinstance(error, NameTaken) else Reason.REFUSED
    again = WAIT_SECONDS
    return replace(decision, reason=reason, message=str(error), actions=(), look_again_seconds=again, polls=False)
