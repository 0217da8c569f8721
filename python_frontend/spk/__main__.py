"""``python -m spk``."""

import sys

from spk.cli import main

if __name__ == "__main__":
    sys.exit(main())
