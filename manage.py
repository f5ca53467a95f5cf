#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    # torch's threads (GNU OpenMP) wait for each other in a loop, and on a machine that does other
    # work they hold the cores that those need for whom they wait. After so few rounds they sleep.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    from environs import EnvError

    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except EnvError as error:  # a setting of the environment is off
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
