"""The permission matrix: every combination of rights, performed by the machine and judged by the SDM's oracle."""
