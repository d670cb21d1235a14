"""The worklist of inspectors, written and read."""

import pytest

from baas_sampling.inspection import Task, tasks_of, worklist_text

TASKS = [Task(image=name, stratum="all", stratum_images=9) for name in ("b,1.jpg", 'a "2".jpg', "c\n3.jpg")]


def test_what_is_written_is_read() -> None:
    assert tasks_of(worklist_text(TASKS)) == TASKS
    assert tasks_of("\ufeff" + worklist_text(TASKS, {"b,1.jpg": 2})) == TASKS


def test_only_what_was_looked_at_has_a_number() -> None:
    rows = worklist_text(TASKS[:2], {"b,1.jpg": 0}).splitlines()
    assert rows[1:] == ['1 of 2,"b,1.jpg",all,9,0,', '2 of 2,"a ""2"".jpg",all,9,,']


@pytest.mark.parametrize("text", ["", "image\na.jpg\n", "row,image,stratum,stratum_images\n1 of 1,a.jpg,all,many\n"])
def test_what_is_no_worklist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no column|as a number"):
        tasks_of(text)
