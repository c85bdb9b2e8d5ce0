from clustering_pipeline.labeling.text.selection import Candidate, best_phrases


def candidate(text: str, score: float, count: float = 10) -> Candidate:
    return Candidate(words=tuple(text.split()), text=text, score=score, count=count)


def test_no_candidate_makes_no_phrase():
    assert best_phrases([], top=5) == []


def test_a_word_that_lives_inside_a_phrase_gives_way_to_it():
    found = best_phrases(
        [
            candidate("social", 3, 10),
            candidate("security", 2, 12),
            candidate("social security", 1, 9),
        ],
        top=5,
    )
    assert found == ["social security"]


def test_a_word_that_also_stands_alone_stays():
    found = best_phrases([candidate("tax", 3, 100), candidate("income tax", 2, 10)], top=5)
    assert found == ["tax", "income tax"]


def test_of_two_endings_the_better_one_stays():
    assert best_phrases([candidate("taxes", 3), candidate("tax", 2)], top=5) == ["taxes"]


def test_of_two_windows_onto_a_longer_phrase_one_stays():
    found = best_phrases([candidate("war on poverty", 3), candidate("on poverty now", 2)], top=5)
    assert found == ["war on poverty"]


def test_likeness_costs_rank():
    phrases = [candidate("atom", 10), candidate("atomic", 9.5), candidate("peace", 9)]
    assert best_phrases(phrases, top=3) == ["atom", "peace", "atomic"]


def test_equal_phrases_come_in_one_order():
    phrases = [candidate("b", 1), candidate("a", 1), candidate("c", 1)]
    assert best_phrases(phrases, top=2) == best_phrases(phrases[::-1], top=2) == ["a", "b"]
