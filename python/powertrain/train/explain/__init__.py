"""Why a run answers as it does: `run.explain`."""
