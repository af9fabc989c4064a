"""``python -m bot``: the same as the ``bot`` command."""

import sys

from bot.cli.commands import main

sys.exit(main())
