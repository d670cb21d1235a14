"""What the watch tells of BlurSchedules and their BlurJobs, and which schedules are to be looked at for it."""

from dataclasses import dataclass, field

from baas_operator.documents import Document
from baas_operator.memory import key_of
from baas_operator.names import SCHEDULE, Key
from baas_operator.schedule_documents import is_over
from baas_operator.wakeups import DEBOUNCE_SECONDS, Wakeups


@dataclass(slots=True)
class ScheduleWatch:
    """What was last heard: of schedules what people say, of their BlurJobs only whether they are over."""

    wakeups: Wakeups[Key] = field(default_factory=Wakeups)
    _said: dict[Key, tuple[object, ...]] = field(default_factory=dict)
    _over: dict[str, bool] = field(default_factory=dict)
    """By the BlurJob's uid."""

    def heard(self, document: Document, *, is_gone: bool) -> bool:
        """Have a schedule looked at when it says anything new, and return whether. The operator's own writes do not."""
        key, metadata = key_of(document), document["metadata"]
        said = metadata["uid"], metadata["generation"], metadata.get("deletionTimestamp")
        if is_gone:
            self._said.pop(key, None)
        elif self._said.get(key) == said:
            return False
        else:
            self._said[key] = said
        self.wakeups.wake(key, after_seconds=DEBOUNCE_SECONDS)
        return True

    def heard_of_child(self, document: Document, *, is_gone: bool) -> bool:
        """Have a BlurJob's schedule looked at when the BlurJob is new, over, tried again or gone; return whether."""
        metadata = document["metadata"]
        name = metadata.get("labels", {}).get(SCHEDULE)
        if name is None:
            return False
        uid, over = metadata["uid"], is_over(document)
        if is_gone:
            self._over.pop(uid, None)
        elif self._over.get(uid) is over:
            return False
        else:
            self._over[uid] = over
        self.wakeups.wake(Key(namespace=metadata["namespace"], name=name), after_seconds=DEBOUNCE_SECONDS)
        return True
