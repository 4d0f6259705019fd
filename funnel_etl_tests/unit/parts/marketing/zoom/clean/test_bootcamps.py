import pytest


def asha(phone: str = "9876512345", **cells):
    return {"attended": True, "user_name": "Asha", "email": "asha@example.com", "phone": phone} | cells


BINU = asha("9876512346", email="binu@example.com")


def rows(night) -> list[list[str]]:
    return (
        night.run()["bootcamp_participation"].rows[["bootcamp_id", "person_key", "bootcamp_days"]].to_numpy().tolist()
    )


def test_a_person_attended_one_day_or_both(night) -> None:
    night.attendee_report("a", "2026-04-04 11:00", asha(), BINU | {"attended": False}, topic="Excel Bootcamp - Day 1")
    night.attendee_report("b", "2026-04-05 11:00", asha(), BINU, topic="excel bootcamp (Day 2)")
    night.attendee_report("w", "2026-04-05 11:00", asha(), topic="Excel webinar", webinar_id="222")
    assert rows(night) == [
        ["Excel Bootcamp 2026-04-04", "9876512345", "Both"],
        ["Excel Bootcamp 2026-04-04", "9876512346", "Day 2"],
    ]
    assert night.run()["bootcamp_participation"].ledger[0].reasons == {
        "excluded:no_show": 1,
        "excluded:not_a_bootcamp": 1,
        "merged:same_bootcamp": 1,
    }


def test_an_occurrence_that_is_both_days_counts_as_both(night) -> None:
    night.attendee_report("a", "2026-04-04 11:00", asha(), topic="Excel Bootcamp Day 1 & Day 2")
    assert rows(night) == [["Excel Bootcamp 2026-04-04", "9876512345", "Both"]]


@pytest.mark.parametrize(
    ("second", "count"), [("2026-04-07 11:00", 1), ("2026-04-08 11:00", 2)], ids=["three days apart", "four days apart"]
)
def test_days_of_one_bootcamp_are_at_most_three_days_apart(night, second, count) -> None:
    night.attendee_report("a", "2026-04-04 11:00", asha(), topic="Excel Bootcamp Day 1")
    night.attendee_report("b", second, asha(), topic="Excel Bootcamp Day 2")
    assert len(rows(night)) == count


def test_bootcamps_of_other_topics_are_other_bootcamps(night) -> None:
    night.attendee_report("a", "2026-04-04 11:00", asha(), topic="Excel Bootcamp Day 1")
    night.attendee_report("b", "2026-04-05 11:00", asha(), topic="Python Bootcamp Day 2")
    assert [row[2] for row in rows(night)] == ["Day 1", "Day 2"]


def test_the_first_day_names_the_bootcamp_even_while_only_its_registrations_are_there(night) -> None:
    night.registration_report("r", "2026-04-02 11:00", asha(), topic="Excel Bootcamp Day 1")
    night.attendee_report("b", "2026-04-05 11:00", asha(), topic="Excel Bootcamp Day 2")
    assert rows(night) == [["Excel Bootcamp 2026-04-02", "9876512345", "Day 2"]]
