from clustering_pipeline.orchestration.pacing import Paced


def test_a_question_is_put_at_most_once_a_second():
    asked = []
    times = iter([0.0, 0.4, 0.9, 1.0, 1.5, 2.5])
    now = [0.0]
    paced = Paced(ask=lambda: asked.append(now[0]), clock=lambda: now[0])
    for now[0] in times:
        paced()
    assert asked == [0.0, 1.0, 2.5]
