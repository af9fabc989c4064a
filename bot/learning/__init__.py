"""From the corpus to a model on disk, with its thresholds, and back."""
