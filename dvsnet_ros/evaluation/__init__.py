"""Quality and speed of checkpoints, on stills and on drives under many settings at once."""
