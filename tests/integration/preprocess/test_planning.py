"""When a run counts as planned."""

from pathlib import Path

import pytest

from baas_crds.errors import DependencyUnavailable
from baas_ledger.engine import transaction
from baas_ledger.runs import finish_run
from baas_ledger.tables import RunState
from baas_preprocess.selection import Selection
from baas_preprocess.stores.folder import FolderDestination

from .city import Blind, City


class Stuck(FolderDestination):
    """A destination from which nothing can be taken away for now."""

    def remove(self, name: str) -> None:
        raise DependencyUnavailable(f"{name} cannot be removed")


def finishes(city: City) -> bool:
    with transaction(city.ledger) as connection:
        return finish_run(connection, city.run_id)


def test_a_run_whose_left_out_pictures_still_stand_is_neither_planned_nor_finished(tmp_path: Path) -> None:
    city = City(tmp_path)
    city.blur(Blind())
    assert finishes(city)
    left_out = Selection(exclude_list=frozenset({"a.jpg"}))
    usual, city.destination = city.destination, Stuck(city.destination.folder)
    with pytest.raises(DependencyUnavailable):
        city.blur(Blind(), left_out)
    assert usual.size_bytes("a.jpg") is not None
    assert (city.run().state, city.run().planned_at, finishes(city)) == (RunState.CREATED, None, False)
    city.destination = usual
    city.blur(Blind(), left_out)
    assert usual.size_bytes("a.jpg") is None
    assert city.run().planned_at is not None
    assert finishes(city)
