"""Devices of the machine, as far as the kernel drives them in Python."""
