"""`python -m powertrain` is the command `powertrain`."""

import sys

from powertrain.cli import main

sys.exit(main())
