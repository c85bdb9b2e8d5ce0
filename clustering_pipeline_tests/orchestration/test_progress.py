"""Long work is told of twice a second at most, and its end always."""

import pytest

from clustering_pipeline.orchestration.progress import Progress


@pytest.mark.parametrize(
    ("reports", "passed_on"),
    [
        pytest.param([(0.0, 1, 9)], [(1, 9)], id="the-first"),
        pytest.param(
            [(0.0, 1, 9), (0.4, 2, 9), (0.6, 3, 9)], [(1, 9), (3, 9)], id="twice-a-second"
        ),
        pytest.param([(0.0, 1, 9), (0.1, 9, 9)], [(1, 9), (9, 9)], id="the-last"),
        pytest.param([(0.0, 1, None), (0.1, 2, None)], [(1, None)], id="nobody-knows-how-many"),
    ],
)
def test_reports_are_passed_on(reports, passed_on):
    written: list[tuple[int, int | None]] = []
    times = iter([at for at, _, _ in reports])
    progress = Progress(
        write=lambda done, total: written.append((done, total)), clock=lambda: next(times)
    )
    for _, done, total in reports:
        progress(done, total)
    assert written == passed_on
