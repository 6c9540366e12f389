"""Second opinions that share nothing with the kernel."""
