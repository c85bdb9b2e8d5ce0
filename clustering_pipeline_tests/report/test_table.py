from clustering_pipeline.report import GroupRow, group_table


def test_no_group_makes_a_table_of_nothing():
    assert group_table([], documents=0).splitlines()[2:] == []


def test_groups_are_listed_largest_first_with_their_share():
    rows = [
        GroupRow(cluster_id="cl_0", label="small", size=1, keywords=("a", "b")),
        GroupRow(cluster_id="cl_1", label="large", size=3),
    ]
    assert group_table(rows, documents=8).splitlines()[2:] == [
        "| cl\\_1 | large | 3 | 37.5 % |  |",
        "| cl\\_0 | small | 1 | 12.5 % | a, b |",
    ]


def test_a_label_cannot_break_the_table():
    rows = [GroupRow(cluster_id="cl_0", label="a | b\n<b>*c*</b>", size=1)]
    assert group_table(rows, documents=1).splitlines()[2:] == [
        "| cl\\_0 | a \\| b \\<b\\>\\*c\\*\\</b\\> | 1 | 100.0 % |  |"
    ]


def test_a_long_table_ends_with_how_many_more():
    rows = [GroupRow(cluster_id=f"cl_{n}", label="x", size=1) for n in range(7)]
    lines = group_table(rows, documents=7, most=5).splitlines()
    assert len(lines) == 2 + 5 + 1
    assert lines[-1] == "| … | 2 more | | | |"
