"""What each processor of a litmus test does, as machine code: the same steps, run after run.

    the first processor puts entries and memory back    all meet    each forgets its pages, and in half of the runs
    remembers some anew    all meet    a delay of its own    the acts, in half of the runs with pauses in between
    all meet    what came of it is written down

Interrupts are off on the first processor; the others answer shootdowns. A page fault leaves FAULT in place of the
access: while it runs, a processor has an interrupt descriptor table of its own, a copy of the kernel's with another
gate for page faults. A processor that waits too long for the others gives up, and says how many runs were left.
"""

from litmus.machine import (
    JUMP,
    JUMP_IF_NOT_NEGATIVE,
    JUMP_IF_NOT_ZERO,
    JUMP_IF_ZERO,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    RAX,
    RBP,
    RBX,
    RCX,
    RDI,
    RDX,
    RSI,
    Code,
)
from litmus.text import CLEAR, ENTRY, FAULT, FENCE, INVLPG, NOTHING, READ, SHOOTDOWN, WRITE

SAVED = (RBX, RBP, R12, R13, R14, R15)
# The control page: who has arrived, how patient they are. Then a page for each processor's descriptors, then outcomes.
ARRIVED, PATIENCE = 0, 8
RECORD_BYTES, ENTRY_BYTES = 64, 8
PAGE_SIZE = 4096
PAGE_FAULT_GATE = 14 * 16
# Bits of the random number: access the pages first; pause between acts; before which of them.
WARM, MAY_REST, FIRST_REST = 1 << 25, 1 << 26, 1 << 18
SPINS = 200  # looks at the others before it rests for a moment


class Program:
    """The machine code of one processor: `.bytes`, a function (runs, seed) -> runs that were not done.

    places: an object with .control, .descriptors(cpu), .records, .page(name), .entry_at(page), .memory_at(frame),
    .raw(entry), .clear_mask(letters), .root: numbers, all of them; .shootdown: the address of the kernel's, or 0.
    """

    def __init__(self, test, cpu, places):
        self.test, self.cpu, self.places = test, cpu, places
        self.acts = test.cpus[cpu]
        self.is_first = cpu == places.first
        self.code = Code()
        self.failures = []
        self._whole()
        self.bytes = self.code.bytes

    def _whole(self):
        code = self.code
        code.push(*SAVED)
        code.raw("9c")  # pushfq
        if self.is_first:
            code.raw("fa")  # cli
        code.raw("fc4989fc89f5")  # cld; mov %rdi, %r12; mov %esi, %ebp
        code.set(RBX, self.places.control)
        code.set(R13, self.places.records)
        code.raw("4531f64531ff")  # xor %r14d, %r14d; xor %r15d, %r15d
        self._take_page_faults()
        again = len(code.bytes)
        self._put_back()
        self._meet()
        self._forget()
        self._meet()
        self._delay()
        code.raw("f7c5")
        code.long(MAY_REST)  # test $, %ebp
        hurried = code.forward(JUMP_IF_ZERO)
        self._all_acts(True)
        over = code.forward(JUMP)
        code.here(hurried)
        self._all_acts(False)
        code.here(over)
        self._meet()
        self._write_down()
        code.raw("4983c5%02x" % RECORD_BYTES)  # add $, %r13
        code.raw("49ffcc")  # dec %r12
        code.back(JUMP_IF_NOT_ZERO, again)
        for failure in self.failures:
            code.here(failure)
        code.raw("0f011c24")  # lidt (%rsp)
        code.raw("4883c420")  # add $32, %rsp
        code.raw("4c89e0")  # mov %r12, %rax
        code.raw("9d")  # popfq
        code.pop(*reversed(SAVED))
        code.raw("c3")
        self._handler()

    def _take_page_faults(self):
        """Copy the descriptor table, change its gate of page faults, load it. The old one's register stays at RSP."""
        code = self.code
        code.raw("4883ec20")  # sub $32, %rsp
        code.raw("0f010c24")  # sidt (%rsp)
        code.raw("488b742402")  # mov 2(%rsp), %rsi
        code.raw("0fb70c24")  # movzwl (%rsp), %ecx
        code.raw("66894c2410ffc1")  # mov %cx, 16(%rsp); inc %ecx
        code.set(RDI, self.places.descriptors(self.cpu))
        code.raw("48897c2412")  # mov %rdi, 18(%rsp)
        code.raw("f3a4")  # rep movsb
        code.set(RCX, self.places.descriptors(self.cpu) + PAGE_FAULT_GATE)
        self.handler = code.forward("488d05")  # lea handler(%rip), %rax
        code.raw("668901c6410400")  # mov %ax, (%rcx); movb $0, 4(%rcx): on the stack that is in use
        code.raw("48c1e81066894106")  # shr $16, %rax; mov %ax, 6(%rcx)
        code.raw("48c1e810894108")  # shr $16, %rax; mov %eax, 8(%rcx)
        code.raw("0f015c2410")  # lidt 16(%rsp)

    def _handler(self):
        """Page faults arrive here: go on at R15 with FAULT in EAX. One that no act has made is an invalid opcode."""
        code = self.code
        code.here(self.handler)
        code.raw("4d85ff7502")  # test %r15, %r15; jnz over
        code.raw("0f0b")  # ud2
        code.raw("4883c4084c893c24")  # add $8, %rsp; mov %r15, (%rsp)
        code.raw("b8")
        code.long(FAULT)  # mov $, %eax
        code.raw("48cf")  # iretq

    def _put_back(self):
        """Store entries and memory as the test begins with them; the first processor does it."""
        if not self.is_first:
            return
        for page, entry in sorted(self.test.entries.items()):
            self._store_entry(page, entry)
        for frame, value in sorted(self.test.memory.items()):
            self.code.set(RCX, self.places.memory_at(frame))
            self._store(value)
        self.code.raw("0faef0")  # mfence

    def _store_entry(self, page, entry):
        self.code.set(RCX, self.places.entry_at(page))
        self.code.set(RDX, self.places.raw(entry))
        self.code.raw("488911")  # mov %rdx, (%rcx)

    def _store(self, value):
        self.code.raw("c701")  # movl $, (%rcx)
        self.code.long(value)

    def _meet(self):
        """Wait until all have arrived here, as patiently as the control page says."""
        code = self.code
        code.raw("4183c6%02x" % len(self.test.cpus))  # add $, %r14d
        code.raw("f0ff43%02x" % ARRIVED)  # lock incl ARRIVED(%rbx)
        code.raw("8b53%02x" % PATIENCE)  # mov PATIENCE(%rbx), %edx
        rested = len(code.bytes)
        code.raw("b9")
        code.long(SPINS)  # mov $, %ecx
        looked = len(code.bytes)
        code.raw("8b43%02x4429f0" % ARRIVED)  # mov ARRIVED(%rbx), %eax; sub %r14d, %eax
        together = code.forward(JUMP_IF_NOT_NEGATIVE)
        code.raw("ffc9")  # dec %ecx
        code.back(JUMP_IF_NOT_ZERO, looked)
        code.raw("f390ffca")  # pause; dec %edx
        code.back(JUMP_IF_NOT_ZERO, rested)
        self.failures.append(code.forward(JUMP))
        code.here(together)

    def _forget(self):
        """Flush the pages; in half of the runs, read, and write with what is there, where that leaves no trace."""
        code = self.code
        code.raw("69ed")
        code.long(1664525)  # imul $, %ebp, %ebp
        code.raw("81c5")
        code.long(1013904223)  # add $, %ebp
        for page in sorted(self.test.entries):
            code.set(RCX, self.places.page(page))
            code.raw("0f0139")  # invlpg (%rcx)
        code.raw("f7c5")
        code.long(WARM)  # test $, %ebp
        cold = code.forward(JUMP_IF_ZERO)
        for page, (_, letters) in sorted(self.test.entries.items()):
            if "P" in letters and "A" in letters:
                code.set(RCX, self.places.page(page))
                code.raw("8b01")  # mov (%rcx), %eax
                if "W" in letters and "D" in letters:
                    code.raw("8901")  # mov %eax, (%rcx)
        code.here(cold)

    def _delay(self):
        """Wait for 1 to 1,024 rounds of a loop, short ones as often as long ones."""
        code = self.code
        code.raw("89e9c1e91d")  # mov %ebp, %ecx; shr $29, %ecx
        code.raw("89e8c1e80825ff030000")  # mov %ebp, %eax; shr $8, %eax; and $1023, %eax
        code.raw("d3e8ffc0")  # shr %cl, %eax; inc %eax
        code.raw("ffc875fc")  # dec %eax; jnz back to it

    def _all_acts(self, rests):
        """The acts; with pauses between some of them, at which an emulator with one thread lets the others go on."""
        taken = 0
        for number, act in enumerate(self.acts):
            if rests:
                self.code.raw("f7c5")
                self.code.long(FIRST_REST << number)  # test $, %ebp
                self.code.raw("7402f390")  # jz over the next; pause
            self._act(act, taken)
            taken += 1 if act.result else 0

    def _act(self, act, taken):
        code, places = self.code, self.places
        if act.kind in (READ, WRITE):
            code.set(RCX, places.page(act.page))
            code.raw("31c0")  # xor %eax, %eax
            after = code.forward("4c8d3d")  # lea after(%rip), %r15
            if act.kind == READ:
                code.raw("8b01")  # mov (%rcx), %eax
            else:
                self._store(act.what)
            code.here(after)
            code.raw("4531ff")  # xor %r15d, %r15d
            if act.result:
                code.keep(taken)
        elif act.kind == ENTRY:
            self._store_entry(act.page, act.what)
        elif act.kind == CLEAR:
            code.set(RCX, places.entry_at(act.page))
            code.raw("f0488121")  # lock andq $, (%rcx)
            code.long(places.clear_mask(act.what))
        elif act.kind in (INVLPG, SHOOTDOWN):
            code.set(RCX, places.page(act.page))
            code.raw("0f0139")  # invlpg (%rcx)
            if act.kind == SHOOTDOWN and places.shootdown:
                self._shoot(places.page(act.page))
        elif act.kind == FENCE:
            code.raw("0faef0")

    def _shoot(self, address):
        """Call the kernel's round (root, address, pages, mode), with the results saved."""
        code = self.code
        saved = (R8, R9, R10, R11, RSI, RDI)
        code.push(*saved)
        for register, argument in ((RDI, self.places.root), (RSI, address), (RDX, 1), (RCX, PAGE_SIZE)):
            code.set(register, argument)
        code.set(RAX, self.places.shootdown)
        code.raw("ffd0")  # call *%rax
        code.pop(*reversed(saved))

    def _write_down(self):
        """Write the processor's own results into the record, and, on the first, what lies in entries and memory."""
        code = self.code
        before = len([act for acts in self.test.cpus[: self.cpu] for act in acts if act.result])
        for number in range(len([act for act in self.acts if act.result])):
            code.note_result(number, before + number)
        if self.is_first:
            offset = len(self.test.results())
            for page in sorted(self.test.entries):
                code.set(RCX, self.places.entry_at(page))
                code.raw("488b01498945%02x" % offset)  # mov (%rcx), %rax; mov %rax, offset(%r13)
                offset += ENTRY_BYTES
            for frame in sorted(self.test.memory):
                code.set(RCX, self.places.memory_at(frame))
                code.raw("8b01418845%02x" % offset)  # mov (%rcx), %eax; mov %al, offset(%r13)
                offset += 1


def outcome_of(test, record, entry_of_raw):
    """Return the outcome that a record holds, a tuple in the order of the test's places()."""
    values, offset = list(record[: len(test.results())]), len(test.results())
    for _ in test.entries:
        raw = int.from_bytes(record[offset : offset + ENTRY_BYTES], "little")
        values.append(entry_of_raw(raw) if raw else NOTHING)
        offset += ENTRY_BYTES
    return tuple(values + list(record[offset : offset + len(test.memory)]))
