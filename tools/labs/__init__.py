"""What `make lab`, `make grade` and the graders in docs/labs stand on.

trouble    what is wrong with a student's file, by name
student    the file on a machine: loaded, called, looked at from the host
guard      what runs in the machine around the file
points     a check and its points; the plugin of pytest that has the checks done
report     what is shown of it
"""
