"""PART 1, marketing: campaign → event → qualified lead. Never imports Part 2 (`sales`)."""
