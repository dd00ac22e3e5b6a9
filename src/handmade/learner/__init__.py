"""What surrounds a learner at work: calm messages in the notebook, hints, predictions, progress."""
