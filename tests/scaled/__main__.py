"""``python -m tests.scaled COMMAND...``: run a command with PostgreSQL and Redis of its own.

They are started, named to the command by ``DATABASE_URL`` and ``REDIS_URL``, and removed when it
ends. The exit status is the command's.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.scaled.services import Postgres, Redis, missing


def main(command: list[str]) -> int:
    if not command:
        sys.stderr.write("usage: python -m tests.scaled COMMAND [ARGUMENT ...]\n")
        return 2
    if reason := missing():
        required = os.environ.get("TREFOIL_REQUIRE_ALL", "").lower() in ("1", "true", "yes")
        sys.stderr.write(f"{reason}: {'failed' if required else 'skipped'}\n")
        return int(required)
    with Postgres() as postgres, Redis() as redis:
        named = {"DATABASE_URL": postgres.create("trefoil"), "REDIS_URL": redis.url}
        return subprocess.run(command, env=os.environ | named, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
