"""The text of `config.pbtxt`. Pure.

https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html
"""

import json
from collections.abc import Mapping
from textwrap import dedent

from baas_detector.card import ModelCard, Recipe, Target
from baas_detector.contract import (
    BOXES,
    CLASSES,
    COUNT,
    MAX_BATCH_SIZE,
    MODEL_NAME,
    OF_A_VERSION,
    TILES,
    WARM_TILE_PX,
)

QUEUE_DELAY_MICROSECONDS = 2000
"""How long a tile waits for company on a GPU, where it takes about 20 ms."""


def config_text(versions: Mapping[int, ModelCard]) -> str:
    """Return the configuration of a model in these versions; the same cards give the same text.

    `unlike` must find nothing in them.
    """
    card = versions[max(versions)]
    parameters = _parameters(card)
    parts = [_common(card.recipe.thresholds.max_det), _WARM_UP, _CPU if card.recipe.target is Target.CPU else _GPU]
    if card.recipe.tensorrt:
        parts.append(_TENSORRT)
    if len(versions) > 1:
        parts.append(_ALL_VERSIONS)
        for number, one in sorted(versions.items()):
            own = _parameters(one)
            parameters |= {f"{key}.{number}": own[key] for key in OF_A_VERSION}
    parts += [
        f"parameters {{ key: {json.dumps(key)} value {{ string_value: {json.dumps(value)} }} }}\n"
        for key, value in parameters.items()
    ]
    return "".join(parts)


def unlike(one: Recipe, other: Recipe) -> list[str]:
    """Return in words where two versions of a model differ though Triton has one configuration for both."""
    pairs = {
        "target": (one.target, other.target),
        "tensorrt": (one.tensorrt, other.tensorrt),
        "max-det": (one.thresholds.max_det, other.thresholds.max_det),
    }
    return [f"--{name} {ours} and {theirs}" for name, (ours, theirs) in pairs.items() if ours != theirs]


def _parameters(card: ModelCard) -> dict[str, str]:
    thresholds = card.recipe.thresholds
    return {
        "model_digest": card.digest,
        "classes": CLASSES,
        "score_floor": str(thresholds.score_floor),
        "iou": str(thresholds.iou),
        "max_det": str(thresholds.max_det),
        "precision": card.built.precision.value,
    }


def _common(max_det: int) -> str:
    return dedent(f"""\
        name: "{MODEL_NAME}"
        max_batch_size: {MAX_BATCH_SIZE}
        input {{ name: "{TILES}" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] }}
        output {{ name: "{BOXES}" data_type: TYPE_FP32 dims: [ {max_det}, 6 ] }}
        output {{ name: "{COUNT}" data_type: TYPE_INT32 dims: [ 1 ] }}
        """)


# One tile after the other, so that batches would only make each wait for all: measured, a tenth slower.
_CPU = dedent("""\
    backend: "python"
    instance_group { kind: KIND_CPU count: 1 }
    """)

_GPU = dedent(f"""\
    backend: "onnxruntime"
    instance_group {{ kind: KIND_GPU count: 1 }}
    dynamic_batching {{ max_queue_delay_microseconds: {QUEUE_DELAY_MICROSECONDS} }}
    """)

# Off unless asked for: building the engine takes minutes at the first tile of each new size.
_TENSORRT = 'optimization { execution_accelerators { gpu_execution_accelerator { name: "tensorrt" } } }\n'

# Else Triton serves the newest alone.
_ALL_VERSIONS = "version_policy: { all { } }\n"


_WARM_UP = dedent(f"""\
    model_warmup {{
      name: "a black tile"
      batch_size: 1
      inputs {{
        key: "{TILES}"
        value {{ data_type: TYPE_UINT8 dims: [ {WARM_TILE_PX}, {WARM_TILE_PX}, 3 ] zero_data: true }}
      }}
    }}
    """)
