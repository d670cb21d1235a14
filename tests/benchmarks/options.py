"""What all benchmarks are told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How often, and with what."""

    rounds: int
    models: Path
    """Triton's model repository with the default detector."""
    triton: str | None = None
    """`host:port` of one that runs already, such as on a GPU, for the benchmarks of the real detector."""
    is_short: bool = False
    """Only show that it runs: few pictures, few rows; the figures mean nothing."""
