"""A month as a grid of days."""

from datetime import date

from funnel_etl.app.month_grid import Day, by_day, month_grid


def test_a_day_counts_what_is_there_missing_and_waiting() -> None:
    day = date(2026, 11, 18)
    found = by_day([(day, "there", "Fees"), (day, "missing", "attendee report of Tax"), (day, "there", "Law")])
    assert found == {day: Day(2, 1, 0, ("there: Fees", "missing: attendee report of Tax", "there: Law"))}


def test_a_month_has_its_days_under_their_weekdays_and_no_other_month_s() -> None:
    drawn = month_grid(date(2026, 11, 1), {date(2026, 12, 1): Day(there=9)})
    assert "<caption>November 2026</caption>" in drawn
    assert drawn.count("<td") == 42  # 1 November 2026 is a Sunday: six weeks
    assert drawn.count('<td class="out">') == 12
    assert "✓&nbsp;9" not in drawn


def test_a_day_that_lacks_a_report_says_so_by_sign_and_colour() -> None:
    drawn = month_grid(date(2026, 11, 1), {date(2026, 11, 18): Day(1, 2, 0, ("x",)), date(2026, 11, 20): Day(3)})
    assert '<td class="missing" title="x">18<br>✗&nbsp;2 ✓&nbsp;1</td>' in drawn
    assert '<td class="there" title="">20<br>✓&nbsp;3</td>' in drawn


def test_a_topic_is_no_markup() -> None:
    drawn = month_grid(date(2026, 11, 1), {date(2026, 11, 18): Day(1, 0, 0, ('"><script>alert(1)</script>',))})
    assert "<script" not in drawn
    assert "&quot;&gt;&lt;script&gt;" in drawn
