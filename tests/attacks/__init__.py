"""What hostile users did to tables, techniques and roots: each attack is refused by name, or does what it says.

Only public names of the packages are used, and natives that act on memory and registers; what a test believes it reads
from guest RAM itself.
"""
