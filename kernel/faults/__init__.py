"""The processor's faults: typed exceptions, handlers in Python, and probes that ask the MMU itself."""
