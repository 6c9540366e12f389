"""The page of `make view`: a machine at the end of a web socket, and its page tables as the host finds them in RAM."""
