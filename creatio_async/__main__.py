"""``python -m creatio_async``: the command line, whatever ``PATH`` holds."""

import sys

from creatio_async.cli import main

if __name__ == "__main__":
    sys.exit(main())
