"""What the loader brought: its description of the machine, and file systems to load from."""
