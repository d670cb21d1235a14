"""From labelled pictures to a registered model.

`yolo.py` alone speaks Ultralytics, `azure.py` Azure ML, `blob_registry.py` Blob Storage; `evaluating.py` starts `baas`.
What is chosen, weighted and refused is decided without them.
"""
