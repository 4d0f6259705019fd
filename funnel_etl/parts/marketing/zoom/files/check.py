"""`funnel-etl zoom check FILE`: a file of this machine and the config folder as they are now. Writes nothing."""

import os
import stat
from pathlib import Path

from funnel_etl.core.config_tables import TABLES, Config, parse_table
from funnel_etl.core.errors import ConfigError, SourceRejected
from funnel_etl.core.values.text import lookup_key, lookup_keys
from funnel_etl.parts.marketing.zoom.files.clean_files import CleanFile, clean_files
from funnel_etl.parts.marketing.zoom.files.diagnose import Diagnosis, diagnose, render
from funnel_etl.parts.marketing.zoom.intake import placed
from funnel_etl.parts.marketing.zoom.reader.layout import heads_summary
from funnel_etl.parts.marketing.zoom.withdrawals import archive, refusal, withdrawn
from funnel_etl.settings import Settings
from funnel_etl.sources.config_folder import table_bytes
from funnel_etl.sources.connect.fetch import utc_now
from funnel_etl.sources.drop.disposal import plain_name
from funnel_etl.sources.drop.intake import MEGABYTE, too_large


def check_file(path: Path, settings: Settings) -> tuple[Diagnosis, str]:
    """Diagnose a file; returns the diagnosis and its text. Raises `SourceRejected` for no readable plain file."""
    name = plain_name(path.name)
    data = _read(path, name, settings)
    found, _ = check_bytes(data, settings, name=path.name, folder=path.absolute().parent.name)
    return found, render(found, name)


def check_bytes(
    data: bytes, settings: Settings, *, name: str = "", folder: str | None = None
) -> tuple[Diagnosis, list[CleanFile]]:
    """Diagnose bytes as if they lay in `folder`, which forces the profile it is named after; with their clean files.

    The files are those of these bytes alone: what other reports of the occurrence would add is not in them.
    """
    config, problems = config_of(settings.config_folder)
    profiles = config.table("zoom_profiles")
    is_heard = lookup_key(folder) in set(lookup_keys(profiles["name"])) or placed("", folder, {}) is not None
    forced = folder if is_heard else None
    landing = archive(settings)
    file_id = landing.file_id_of(landing.redact_lines(data, heads_summary).data)
    zone, threshold = settings.timezone, settings.zoom_date_ratio
    found, own = diagnose(data, file_id, zone, config, threshold, name=name, folder=forced, received_at=utc_now())
    found.warnings += problems
    if (gone := withdrawn(landing).get(file_id)) is not None:
        found.warnings.append(refusal(file_id, gone).what)
    if own is None:
        return found, []
    frames = (own.occurrences, own.registrations, own.attendance)
    return found, clean_files(*frames, zoom_profiles=profiles, zone=zone)


def config_of(folder: Path) -> tuple[Config, list[str]]:
    """Read the config tables as they are now; one that is wrong counts as empty, and is told of."""
    tables, problems = {}, []
    for name in TABLES:
        try:
            tables[name] = parse_table(name, table_bytes(folder, name))
        except ConfigError as error:
            problems.append(f"left out: {error}")
            tables[name] = parse_table(name, None)
    return Config(tables, "as it is now"), problems


def _read(path: Path, name: str, settings: Settings) -> bytes:
    try:
        status = os.stat(path)  # noqa: PTH116 - beside stat.S_ISREG
        if not stat.S_ISREG(status.st_mode):
            raise SourceRejected("this is not a file", where=name, fix="name one CSV file that Zoom exported")
        if status.st_size > settings.zoom_max_mb * MEGABYTE:
            raise too_large(status.st_size, settings.zoom_max_mb)
        return path.read_bytes()
    except OSError as error:
        raise SourceRejected(
            f"cannot be read ({error.strerror or type(error).__name__})", where=name, fix="see its name and permissions"
        ) from None
