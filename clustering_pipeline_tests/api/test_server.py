import gc
import weakref

from clustering_pipeline.api.server import short_pauses


def test_what_is_there_when_serving_begins_is_not_looked_through_again():
    libraries = gc.get_objects()
    with short_pauses():
        assert gc.get_freeze_count() > len(libraries) / 2
        # A full collection looks through what was made since, and nothing else.
        assert len(gc.get_objects()) < len(libraries) / 2
    assert gc.get_freeze_count() == 0


class Refused:
    """What a request leaves that was refused: objects that refer to each other, and its body."""

    def __init__(self):
        self.itself = self


def test_what_comes_while_serving_is_looked_through_often():
    rarely = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)  # as the command line does
    try:
        with short_pauses():
            bodies = [weakref.ref(Refused()) for _ in range(2_000)]
            assert sum(body() is not None for body in bodies) < 1_000
        assert gc.get_threshold() == (50_000, 20, 50)
    finally:
        gc.set_threshold(*rarely)
