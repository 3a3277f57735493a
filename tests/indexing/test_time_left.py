"""How long a bulk job still takes."""

from codekin.indexing.time_left import estimate_progress


def test_the_remaining_time_is_extrapolated():
    assert estimate_progress(10, 20, 100).seconds_left == 40
    assert estimate_progress(10, 100, 100).seconds_left == 0


def test_the_first_files_do_not_tell_how_long_the_rest_takes():
    """The processes that read them had to be started: 2 of 3,236 files in 3.4 s made 92 minutes."""
    assert estimate_progress(3.4, 2, 3236).seconds_left is None
    assert estimate_progress(0, 0, 10).seconds_left is None
    assert estimate_progress(1, 0, 0).seconds_left is None
