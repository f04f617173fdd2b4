"""``python -m asrfair``."""

import sys

from asrfair.cli import main

if __name__ == "__main__":
    sys.exit(main())
