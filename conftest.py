"""Every graph that a pass makes is verified in tests."""

import os

os.environ.setdefault("POWERTRAIN_VERIFY", "1")
