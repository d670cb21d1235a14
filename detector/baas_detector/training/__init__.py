"""From labelled pictures to a registered model. Only `yolo.py` speaks Ultralytics, only `azure.py` Azure."""
