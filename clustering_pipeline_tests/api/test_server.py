import gc

from clustering_pipeline.api.server import short_pauses


def test_what_is_there_when_serving_begins_is_not_looked_through_again():
    libraries = gc.get_objects()
    with short_pauses():
        assert gc.get_freeze_count() > len(libraries) / 2
        # A full collection looks through what was made since, and nothing else.
        assert len(gc.get_objects()) < len(libraries) / 2
    assert gc.get_freeze_count() == 0
