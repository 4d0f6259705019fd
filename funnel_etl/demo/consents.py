"""What the demo's people said about mail: a dropped file of consents, and who truly said what.

Half of those who registered agreed; some took it back, or are suppressed. Who said nothing gets no draft.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from funnel_etl.delivery.webengage.contracts import GRANTED, SUPPRESSED, WITHDRAWN
from funnel_etl.demo.zoom_events import Zoom

SHARES = {GRANTED: 0.5, WITHDRAWN: 0.06, SUPPRESSED: 0.02}
NAME = "consents.csv"


def write_consents(folder: Path, zoom: Zoom, since: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """Write the file, and return the truth: a row an e-mail with what holds of mail. `since`: when it was said."""
    folder.mkdir(parents=True, exist_ok=True)
    emails = np.sort(zoom.rows["email"][zoom.rows["email"] != ""].str.strip().str.lower().unique())
    drawn = rng.random(len(emails))
    reach = np.cumsum([*SHARES.values()])
    state = np.select([drawn < most for most in reach], [*SHARES], "")
    truth = pd.DataFrame({"email": emails, "state": state})
    said = truth[truth["state"] != ""]
    agreed = said.assign(state=GRANTED, stated_at=since, source="registration form")
    later = said[said["state"] != GRANTED].assign(stated_at=since + pd.Timedelta(days=20), source="mailbox")
    rows = pd.concat([agreed, later], ignore_index=True)
    rows = rows.assign(channel="email", stated_at=rows["stated_at"].dt.strftime("%Y-%m-%d %H:%M:%S"))
    columns = ["email", "channel", "state", "stated_at", "source"]
    rows[columns].to_csv(folder / NAME, index=False, lineterminator="\n")
    return truth
