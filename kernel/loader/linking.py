"""`Linking`: one call of `load`, from files to mappings. Everything is computed before anything is mapped.

    define      who defines which symbol: strong before common before weak
    place       where each section will be; pages are owned from here on
    relocate    the contents, in buffers, with all that relocations store
    map         with the rights of the group from the first moment on, and filled through the physical window, the
                kernel's own alias: nothing is ever writable and executable
    commit      from here on others see it

Whatever is refused before `commit` leaves nothing behind: `drop` gives back what was taken.
"""

from struct import pack_into, unpack_from

import micropython
from memory import PteFlags, VirtualAddress, allocate_pages_in_range, get_kernel_mmi_ref
from memory.ledger import undisturbed
from memory_structs import PAGE_SHIFT
from paging.guard import opens_guard
from paging.natives import memory

from . import elf
from .errors import ObjectTooLarge, RelocationOverflow
from .namespaces import LOADED, STRONG
from .places import REGION, WINDOW
from .relocations import (
    MAY_NEED_STUB,
    NAMES,
    NEAR,
    NEED_SLOT,
    PLAIN,
    REACH,
    RELATIVE,
    STUB_ADDRESS_AT,
    STUB_BEGIN,
    STUB_BYTES,
    STUB_END,
    encoded,
    signed,
    value_of,
)
from .resolving import GOT_SYMBOL, Resolving
from .sections import GROUPS, Definition, Dependency, ObjectSection

write_bytes = opens_guard(memory.write_bytes)
FLAGS = {"text": PteFlags(), "rodata": PteFlags(), "data": PteFlags().writable(True)}
EXECUTABLE = PteFlags().executable(True)
GOT, PLT, COMMONS = ".got", ".plt", "COMMON"


class Linking(Resolving):
    """All that one call of `load` does; `.parts` and `.definitions` are those of Resolving."""

    def compute(self):
        """Everything but the mappings. Raises an ObjectError, OutOfPages or MemoryError."""
        for part in self.parts:
            self._make_sections(part)
        for part in self.parts:
            self._define(part)
        self._define_commons()
        for part in self.parts:
            self._resolve(part)
        for part in self.parts:
            self._place(part)
        for part in self.parts:
            self._relocate(part)

    # Place.

    @micropython.native
    def _place(self, part):
        """Decide where everything goes, own the pages, and make the buffers."""
        ends, contents = {group: 0 for group in GROUPS}, {group: 0 for group in GROUPS}
        headers, sections = part.file.sections, part.object.sections
        for is_zero in (False, True):
            for index, section in sections.items():
                header = headers[index]
                if (header.type == elf.NOBITS) == is_zero:
                    align, group = header.align or 1, section.group
                    section.offset = offset = (ends[group] + align - 1) & -align
                    ends[group] = offset + section.size
                    if not is_zero:
                        contents[group] = ends[group]
        for name, group, size in (PLT, "text", STUB_BYTES * len(part.stubs)), (GOT, "rodata", 8 * len(part.slots)):
            if size:
                offset = (ends[group] + 15) & -16
                sections[name] = ObjectSection(part.object, name, group, offset, size)
                ends[group] = contents[group] = offset + size
        if part.commons:
            self._place_commons(part, ends)
        total = sum([(end + 4095) >> 12 for end in ends.values()])
        if total << 12 > elf.MOST_IN_ALL:
            raise ObjectTooLarge(part.file.name, "", total << 12, "%%s bytes: at most %#x are loaded" % elf.MOST_IN_ALL)
        part.pages = allocate_pages_in_range(total, REGION)
        start = signed(part.pages.start.number << 12)
        part.object.start, part.object.end = start, start + (total << 12)
        bases = {}
        for group in GROUPS:
            bases[group] = start
            start += (ends[group] + 4095) & -4096
            if ends[group]:
                part.sizes[group] = ends[group]
                part.buffers[group] = bytearray(contents[group])
        part.object.data_start, part.object.data_bytes = bases["data"], ends["data"]
        data = part.file.data
        for index, section in sections.items():
            section.address = bases[section.group] + section.offset
            if type(index) is int and headers[index].type != elf.NOBITS:
                at, size = section.offset, section.size
                part.buffers[section.group][at : at + size] = data[headers[index].offset : headers[index].offset + size]

    def _place_commons(self, part, ends):
        end = ends["data"]
        section = part.object.sections[COMMONS] = ObjectSection(part.object, COMMONS, "data", (end + 15) & -16, 0)
        aligns = max([align for _, _, align in part.commons])
        section.offset = (end + aligns - 1) & -aligns
        size = 0
        for name, length, align in part.commons:
            size = (size + align - 1) & -align
            new = Definition(name, section, size, length, STRONG)  # from here on: it can't be merged any more
            part.object.symbols[name] = self.definitions[name] = new
            size += length
        section.size = size
        ends["data"] = section.offset + size

    # Relocate.

    @micropython.native
    def _relocate(self, part):
        """Store what all relocations store into the buffers, and note who needs whom."""
        object = part.object
        got, plt = object.sections.get(GOT), object.sections.get(PLT)
        for symbol, offset in part.slots.items():
            found = self._final(part, symbol)
            pack_into("<q", part.buffers["rodata"], got.offset + offset, found.address)
            self._note(got, found, (1, offset, 0))
        for symbol, offset in part.stubs.items():
            at, buffer = plt.offset + offset, part.buffers["text"]
            buffer[at : at + STUB_ADDRESS_AT] = STUB_BEGIN
            pack_into("<q", buffer, at + STUB_ADDRESS_AT, self._final(part, symbol).address)
            buffer[at + STUB_ADDRESS_AT + 8 : at + STUB_ADDRESS_AT + 10] = STUB_END
        table = got.address if got else object.start
        for index, section in object.sections.items():
            if type(index) is int:
                for at, count in part.file.sections[index].relocations:
                    self._relocate_section(part, section, at, count, table)

    @micropython.native
    def _relocate_section(self, part, section, at, count, table):
        data, resolved, slots, stubs = part.file.data, part.resolved, part.slots, part.stubs
        buffer, base, start, own = part.buffers[section.group], section.offset, section.address, part.object
        is_data = section.group == "data"
        kept = own.relocated.setdefault(section, {}) if is_data else None
        for entry in range(at, at + 24 * count, 24):
            offset, kind, symbol, addend = unpack_from("<qIIq", data, entry)
            found = resolved[symbol]
            target, value = found.section, found.value
            if value is None:
                found = resolved[symbol] = self._final(part, symbol)
                target, value = found.section, found.value
            if target is not None:
                value += target.address
                if kind in NEAR and not is_data:  # most of all
                    value += addend - start - offset
                    if not -REACH <= value < REACH:
                        raise_overflow(own.name, section, offset, kind, found.name, value)
                    pack_into("<i", buffer, base + offset, value)
                    if target.object is not own:
                        self._note(section, found, (kind, offset, addend))
                    continue
            if kind in PLAIN and symbol not in stubs and found.name != GOT_SYMBOL:
                value += addend
                if kind in RELATIVE:
                    value -= start + offset
            else:
                slot = own.sections[GOT].address + slots[symbol] if kind in NEED_SLOT else 0
                if symbol in stubs and kind in MAY_NEED_STUB:
                    value = own.sections[PLT].address + stubs[symbol]
                elif found.name == GOT_SYMBOL:
                    value = table
                value = value_of(kind, value, addend, start + offset, slot, table)
            stored = encoded(kind, value)
            if stored is None:
                raise_overflow(own.name, section, offset, kind, found.name, value)
            place = base + offset
            buffer[place : place + len(stored)] = stored
            if kept is not None:
                kept[offset] = stored
            if target is not None and target.object is not own and kind not in NEED_SLOT:
                self._note(section, found, (kind, offset, addend))

    def _final(self, part, symbol):
        """The Definition of a symbol, common ones included, which have a place by now."""
        found = part.resolved[symbol]
        return self.definitions[found.name] if found.value is None else found

    @staticmethod
    def _note(user, found, relocation):
        """Remember that a section needs another object's."""
        used, own = found.section, user.object
        if used is not None and used.object is not own:
            dependencies = own.uses.get(used.object)
            if dependencies is None:
                dependencies = own.uses[used.object] = []
            dependencies.append(Dependency(user, used, found.name, relocation))

    # Map and commit.

    @undisturbed
    def map(self):
        """Map what was computed, with the rights that it keeps, and fill it through the physical window; text may be
        executed when that is done, and can't be written there any more.

        Raises OutOfFrames and the like.
        """
        table = get_kernel_mmi_ref().page_table
        for part in self.parts:
            object, pages = part.object, part.pages
            number = pages.start.number
            pages.drop()  # create_mapping_at takes them again: nobody else comes in between
            for group in GROUPS:
                if group in part.sizes:
                    size, contents = part.sizes[group], part.buffers[group]
                    address = VirtualAddress(number << PAGE_SHIFT)
                    object.mappings[group] = table.create_mapping_at(address, size, FLAGS[group], False)
                    count = size + 4095 >> PAGE_SHIFT
                    for page in range(len(contents) + 4095 >> PAGE_SHIFT):
                        at = WINDOW + (table.access.translate(number + page) << PAGE_SHIFT)
                        write_bytes(at, contents if count == 1 else contents[page << 12 : page + 1 << 12])
                    if group == "text":
                        object.mappings[group].remap(EXECUTABLE)
                    number += count
            for section in object.sections.values():
                section.mapped_pages = object.mappings[section.group]

    @micropython.native
    def changes(self):
        """What `commit` stores: [(object, attribute, value)], made before, so that it can't run out of memory."""
        objects = {name: each for name, each in self.namespace.objects.items() if each not in self.gone}
        used_by = {}
        for part in self.parts:
            objects[part.object.name] = part.object
            for used, dependencies in part.object.uses.items():
                if used not in used_by:
                    used_by[used] = used.used_by.copy()
                used_by[used][part.object] = dependencies
        stores = [(used, "used_by", users) for used, users in used_by.items()]
        stores.append((LOADED, "objects", LOADED.objects + [part.object for part in self.parts]))
        return stores + [(self.namespace, "objects", objects), (self.namespace, "definitions", self.definitions)]

    @undisturbed
    def commit(self, stores):
        """Let others see the objects."""
        self.is_committed = True
        for holder, attribute, value in stores:
            setattr(holder, attribute, value)

    def drop(self):
        """Give back all that was taken, unless others see it by now; for whoever was refused."""
        if self.is_committed:
            return
        for part in self.parts:
            for mapped in part.object.mappings.values():
                if mapped:
                    mapped.drop()
            if part.pages:
                part.pages.drop()


def raise_overflow(object, section, offset, kind, symbol, value):
    """Refuse a value that does not fit."""
    text = "%s at offset %#x to %s would store %%s, which does not fit 32 bits: compile with -mcmodel=kernel or -fpie"
    raise RelocationOverflow(
        object, section.name, value, text % (NAMES[kind], offset, symbol or "a part of the same object")
    )
