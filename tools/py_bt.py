"""A command for gdb: `py-bt` shows which lines of Python the stopped machine is in (build/clew.gdb loads it).

Each call of a Python function is a frame of mp_execute_bytecode() on the C stack, and the function's state says which
bytecode it is at. Only memory is read: nothing is called in the machine. Formats: py/bc.h, py/qstr.h of MicroPython.
Functions in machine code (@native, @viper) have no such state: `bt` shows them, as addresses.
"""

import os

import gdb

VIRTUAL_MACHINE = "mp_execute_bytecode"


class Reader:
    """Reads a function's bytecode from an address on."""

    def __init__(self, pointer):
        self.address = int(pointer)

    def byte(self):
        """Return the next byte."""
        value = gdb.selected_inferior().read_memory(self.address, 1)[0]
        self.address += 1
        return value[0] if isinstance(value, bytes) else value

    def number(self):
        """Return the next number: 7 bits a byte, the high ones first, bit 7 set in all but the last."""
        value = 0
        while True:
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value

    def argument_count(self):
        """Read the signature (MP_BC_PRELUDE_SIG_DECODE); return how many arguments have names."""
        byte = self.byte()
        positional, only_by_name, more = byte & 3, 0, 0
        while byte & 0x80:
            byte = self.byte()
            positional |= (byte & 4) << more
            only_by_name |= (byte >> 3 & 1) << more
            more += 1
        return positional + only_by_name

    def sizes(self):
        """Read the sizes (MP_BC_PRELUDE_SIZE_DECODE); return the bytes of information and of cells."""
        information = cells = more = 0
        while True:
            byte = self.byte()
            information |= (byte >> 1 & 0x3F) << 6 * more
            cells |= (byte & 1) << more
            more += 1
            if not byte & 0x80:
                return information, cells

    def line_at(self, top, offset):
        """Read the line table up to an address; return the line of the bytecode at an offset."""
        line = 1
        while self.address < top:
            byte = self.byte()
            if byte & 0x80:
                codes, lines = byte & 15, byte << 4 & 0x700 | self.byte()
            else:
                codes, lines = byte & 31, byte >> 5
            if offset < codes:
                break
            offset -= codes
            line += lines
        return line


def text_of(qstr):
    """Return the text of an interned string by its number."""
    pool = gdb.parse_and_eval("mp_state_ctx.vm.last_pool")
    while qstr < int(pool["total_prev_len"]):
        pool = pool["prev"]
    place = qstr - int(pool["total_prev_len"])
    return pool["qstrs"][place].string(length=int(pool["lengths"][place]))


def where(state):
    """Return (file, line, function) of a mp_code_state_t."""
    function = state["fun_bc"]
    names = function["context"]["constants"]["qstr_table"]
    reader = Reader(function["bytecode"])
    arguments = reader.argument_count()
    information, cells = reader.sizes()
    top = reader.address + information
    block = text_of(int(names[reader.number()]))
    for _ in range(arguments):
        reader.number()
    line = reader.line_at(top, int(state["ip"]) - top - cells)
    file = text_of(int(names[0]))
    ours = os.path.join("kernel", file)
    return ours if os.path.exists(ours) else file, line, block


def state_of(frame):
    """Return the mp_code_state_t of a frame of the virtual machine: its own, or what its caller gave it; or None."""
    for holder, name in ((frame, "code_state"), (frame, "code_state@entry"), (frame.older(), "code_state")):
        try:
            value = holder.read_var(name)
        except (ValueError, AttributeError):
            continue
        if not value.is_optimized_out and int(value):
            return value
    return None


class PythonBacktrace(gdb.Command):
    """Show the lines of Python that are being run, the innermost first."""

    def __init__(self):
        super().__init__("py-bt", gdb.COMMAND_STACK)

    def invoke(self, _words, _from_terminal):
        """Print one line for each Python function on the stack."""
        frame, count = gdb.newest_frame(), 0
        while frame is not None:
            if frame.name() == VIRTUAL_MACHINE:
                state = state_of(frame)
                place = "(the compiler kept no trace of this one)"
                if state is not None:
                    place = 'File "{}", line {}, in {}'.format(*where(state))
                print(f"#{count} {place}  (C frame {frame.level()})")
                count += 1
            frame = frame.older()
        if not count:
            print("no Python function is being run")


PythonBacktrace()
