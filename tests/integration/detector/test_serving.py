"""The real model in a real Triton."""

import numpy as np
import tritonclient.grpc as client


def test_one_tile_gives_one_row_of_boxes_and_one_count(triton: str) -> None:
    tiles = client.InferInput("TILES", [1, 100, 70, 3], "UINT8")
    tiles.set_data_from_numpy(np.zeros((1, 100, 70, 3), np.uint8))

    answer = client.InferenceServerClient(triton).infer("person_plate", [tiles])

    assert answer.as_numpy("BOXES").shape == (1, 1000, 6)
    assert answer.as_numpy("COUNT").shape == (1, 1)
