"""What a benchmark ran on."""

import os
import platform
import re
from pathlib import Path

_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


def description() -> str:
    """Say processor, the features that inference profits from, cores, memory and Python in one line."""
    cpu = Path("/proc/cpuinfo").read_text()
    name = re.search(r"^model name\s*: (.+)$", cpu, re.MULTILINE)
    flags = re.search(r"^flags\s*: (.+)$", cpu, re.MULTILINE)
    present = set(flags[1].split()) if flags else set()
    kib = int(re.findall(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)[0])
    return ", ".join(
        (
            name[1] if name else platform.machine(),
            " ".join(feature for feature in _FEATURES if feature in present) or "no AVX2",
            f"{len(os.sched_getaffinity(0))} cores",
            f"{kib / 2**20:.0f} GiB",
            f"Linux {platform.release().split('-')[0]}",
            f"Python {platform.python_version()}",
        )
    )
