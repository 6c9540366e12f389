"""What the machine can say about itself: counts, checks, pictures."""
