"""The native module of the processor's registers; None where these sources run on a host, for property tests."""

try:
    import _cpu as cpu
except ImportError:
    cpu = None
