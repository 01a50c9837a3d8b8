"""Names of the files of a run."""

CHECKPOINT, PICTURE, BEFORE, LIVE = "run.npz", "picture", "before.jpg", "live.jpg"
