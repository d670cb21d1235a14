"""Where a process dies: points of the program's way, reached from outside. The product knows nothing of them.

A process that is told a fault wraps the functions that it names, before `baas` begins. The wrappers do nothing but
count, until the last point of the fault's path is passed: then the process ends at once, as if by `kill -9`.
"""

import functools
import importlib
import io
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from operator import attrgetter
from typing import Any, NamedTuple

FOLDER = "baas_preprocess.stores.folder"
WAY = "baas_preprocess.way"
WORK = "baas_preprocess.work"
TREAT = "baas_preprocess.treat"


class When(Enum):
    """Before or after a function does its work."""

    ENTER = auto()
    LEAVE = auto()


class Point(NamedTuple):
    """A moment of a program."""

    function: str
    """`package.module:name` or `package.module:Class.name`, in the module that calls it."""
    when: When = When.LEAVE


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


class _Torn(io.FileIO):
    """A file of which half is written when the process dies."""

    def write(self, data: Any, /) -> int:
        written = super().write(data[: len(data) // 2])
        die()
        return written


def tear_the_next_file() -> None:
    """Let the process die while it writes its next unfinished file."""
    vars(importlib.import_module(FOLDER))["open"] = _Torn


@dataclass(frozen=True, slots=True)
class Fault:
    """Points to pass one after the other, and what happens at the last of them."""

    path: tuple[Point, ...]
    act: Callable[[], None] = die

    def after(self, *path: Point) -> "Fault":
        """The same fault, once these points were passed."""
        return Fault((*path, *self.path), self.act)


def arm(fault: Fault) -> None:
    """Wrap what the fault's points name. Only for a process that is to die."""
    left, lock = list(fault.path), threading.Lock()

    def passed(point: Point) -> None:
        with lock:
            if left and left[0] == point:
                del left[0]
                if not left:
                    fault.act()

    for function in {point.function for point in fault.path}:
        _wrap(function, passed)


def _wrap(function: str, passed: Callable[[Point], None]) -> None:
    module, _, names = function.partition(":")
    owner_name, _, name = names.rpartition(".")
    owner: Any = importlib.import_module(module)
    if owner_name:
        owner = attrgetter(owner_name)(owner)
    wrapped = getattr(owner, name)

    @functools.wraps(wrapped)
    def wrapper(*given: Any, **named: Any) -> Any:
        passed(Point(function, When.ENTER))
        result = wrapped(*given, **named)
        passed(Point(function, When.LEAVE))
        return result

    setattr(owner, name, wrapper)


_COMMIT = "sqlalchemy.engine.default:DefaultDialect.do_commit"
_WRITE = Point(f"{FOLDER}:FolderDestination.write", When.ENTER)
# With all that may stand beside it, a picture is the fourth file: after its mask and both files of boxes.
_PICTURE = (Point("baas_preprocess.publish:detections_yolo"), _WRITE, _WRITE)


def _at(*functions: str, when: When = When.LEAVE) -> Fault:
    """Pass these functions, the last one as `when` says."""
    return Fault((*map(Point, functions[:-1]), Point(functions[-1], when)))


RECORDED = (Point(f"{WORK}:finish"), Point(_COMMIT))
"""A picture's fate is in the ledger."""

STEPS = {
    "fetched": _at("baas_preprocess.stores.files:FileSource.read"),
    "inspected": _at(f"{WAY}:inspect"),
    "decoded": _at(f"{WAY}:decode"),
    "cut into tiles": _at(f"{WAY}:shown"),
    "detected": _at("baas_preprocess.detect:TritonDetector.detect"),
    "merged": _at(f"{WAY}:merge"),
    "masked": _at(f"{WAY}:mask"),
    "redacted": _at(f"{WAY}:redact"),
    "scrubbed": _at(f"{WAY}:scrub"),
    "verified": _at(f"{WAY}:verify"),
    "looked at again": _at(f"{WAY}:look_again"),
    "made safe": _at(f"{TREAT}:make_safe"),
}
"""A picture's way until it may be published."""

PUBLISHING = {
    "mask drawn": _at("baas_preprocess.publish:mask_png"),
    "mask written": _at("baas_preprocess.publish:detections_json", when=When.ENTER),
    "boxes written": _at("baas_preprocess.publish:detections_yolo", when=When.ENTER),
    "nothing of the picture written": Fault(_PICTURE),
    "unfinished file made": Fault((*_PICTURE, Point(f"{FOLDER}:_open_for_owner"))),
    "half of the unfinished file written": Fault(_PICTURE, tear_the_next_file),
    "unfinished file written": Fault((*_PICTURE, Point("os:fsync", When.ENTER))),
    "unfinished file synced": Fault((*_PICTURE, Point("os:fsync"))),
    "permissions set": Fault((*_PICTURE, Point("pathlib:Path.chmod"))),
    "about to be renamed": Fault((*_PICTURE, Point("pathlib:Path.replace", When.ENTER))),
    "renamed": Fault((*_PICTURE, Point("pathlib:Path.replace"))),
}
"""A safe picture's way into the destination."""

RECORDING = {
    "published": _at(f"{TREAT}:publish"),
    "about to be recorded": _at(f"{WORK}:finish", when=When.ENTER),
    "about to be committed": _at(f"{WORK}:finish", _COMMIT, when=When.ENTER),
    "committed": _at(f"{WORK}:finish", _COMMIT),
}
"""A published picture's way into the ledger."""

REFUSING = {
    "about to be withdrawn": _at(f"{TREAT}:withdraw", when=When.ENTER),
    "withdrawn": _at(f"{TREAT}:withdraw"),
    "quarantine about to be committed": _at(f"{TREAT}:withdraw", f"{WORK}:finish", _COMMIT, when=When.ENTER),
    "quarantine committed": _at(f"{TREAT}:withdraw", f"{WORK}:finish", _COMMIT),
}
"""What becomes of a picture that cannot be published."""

RUN = {
    "ledger made": _at("baas_preprocess.blur:open_ledger"),
    "run opened": _at("baas_preprocess.planning:open_run", _COMMIT),
    "planned": _at("baas_preprocess.blur:plan"),
    "claimed": _at(f"{WORK}:claim", _COMMIT),
    "run about to be finished": _at("baas_preprocess.blur:finish_run", when=When.ENTER),
    "run finished": _at("baas_preprocess.blur:finish_run", _COMMIT),
}
"""A run's own way."""

DELETING = {
    "about to be deleted": _at("baas_preprocess.stores.files:FileSource.delete", when=When.ENTER),
    "deleted": _at("baas_preprocess.stores.files:FileSource.delete"),
    "receipt about to be committed": _at("baas_preprocess.retention:source_deleted", _COMMIT, when=When.ENTER),
    "receipt committed": _at("baas_preprocess.retention:source_deleted", _COMMIT),
}
"""An original's end, where originals are deleted."""

_BLOB = "baas_preprocess.stores.blob:BlobDestination.write"
_SENT = Point("http.client:HTTPConnection.send")
_BEGINS = (Point("baas_preprocess.publish:detections_yolo"), *[Point(_BLOB, When.ENTER)] * 2)

UPLOADING = {
    "claimed": RUN["claimed"],
    "boxes written": PUBLISHING["boxes written"],
    "nothing of the picture sent": Fault(_BEGINS),
    "asked what is there": Fault((*_BEGINS, _SENT)),
    "head of the upload sent": Fault((*_BEGINS, _SENT, _SENT)),
    "half of the upload sent": Fault((*_BEGINS, _SENT, _SENT, _SENT)),
    **RECORDING,
}
"""A safe picture's way into a Blob container and its fate's into a database, in a pod."""
