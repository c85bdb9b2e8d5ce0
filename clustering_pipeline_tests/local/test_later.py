"""Documents that are connected to when they are first asked for something."""

from clustering_pipeline.local.later import DocumentsLater


class Asked:
    """Stands for the documents of a server."""

    address = "grpc://qdrant.example:6334"

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_nobody_connects_for_nothing():
    made: list[Asked] = []
    later = DocumentsLater(lambda: made.append(Asked()) or made[-1])
    later.close()
    assert made == []


def test_the_first_question_connects_and_the_others_do_not():
    made: list[Asked] = []
    later = DocumentsLater(lambda: made.append(Asked()) or made[-1])
    assert [later.address for _ in range(3)] == [Asked.address] * 3
    assert later.connected() is made[0]
    later.close()
    assert [one.closed for one in made] == [1]
