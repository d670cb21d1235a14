"""A trainer whose loss counts each class as the data say. Imports Ultralytics: import it inside `yolo.shut_in` only."""

from typing import Any

import torch
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.torch_utils import unwrap_model

from baas_detector.training.dataset import CLASS_WEIGHTS


class WeightedTrainer(DetectionTrainer):
    """Takes the weights out of data.yaml: of what is ours, only that reaches the processes of several GPUs."""

    def set_class_weights(self) -> None:
        """Give the weights to the model, whose loss multiplies the terms of each class by them; their mean is 1.

        Ultralytics calls it when the data are read, before the loss is made. Its own does so by `cls_pw`.
        """
        weights = torch.tensor(self.data[CLASS_WEIGHTS], device=self.device)
        model: Any = unwrap_model(self.model)  # type: ignore[arg-type]  # a module by now, no longer a path
        model.class_weights = weights / weights.mean()
