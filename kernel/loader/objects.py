"""Object files: loaded, called, replaced, unloaded. What programs use; the commands of the prompt stand on it.

    objects.load([("math.o", open("math.o", "rb").read())])
    add3 = objects.symbol("add3").as_func("q(qqq)")
    objects.where(0xffffffffa0000012)       ("math.o", ".text", "add3", 18)

Each call is all or nothing: what is refused leaves everything as it was.
"""

import micropython
from faults.places import set_finder
from memory import MappingDamaged, StillBorrowed
from memory.ledger import undisturbed
from memory.views.views import functions_running
from memory_structs import Reentered

from .carrying import leads_into
from .errors import NoSuchObject, NoSuchSymbol, ObjectHeld, ObjectNeeded
from .linking import Linking
from .namespaces import KERNEL, LOADED, OBJECTS, Namespace
from .places import REGION_END, REGION_START
from .relocations import signed
from .replacing import Replacing
from .sections import Symbol

__all__ = ("KERNEL", "OBJECTS", "Namespace", "find", "load", "loaded", "replace", "symbol", "unload", "where")


class UnderWay:
    """Loading, unloading and replacing are not re-entrant: a state function of `replace` can't do either."""

    is_now = False


def one_at_a_time(function):
    """A function that raises Reentered while it, or another such one, is under way."""

    def call(*arguments, **named):
        if UnderWay.is_now:
            raise Reentered("the loader")
        try:
            UnderWay.is_now = True
            return function(*arguments, **named)
        finally:
            UnderWay.is_now = False

    return call


@one_at_a_time
def load(files, namespace=OBJECTS):
    """Load the object files `files`, [(name, bytes)], which may refer to each other; returns their LoadedObjects.

    Raises TypeError, an ObjectError, OutOfPages, OutOfFrames or MemoryError; then nothing was loaded.
    """
    forget_replaced()
    linking = Linking(namespace, files)
    try:
        linking.compute()
        linking.map()
        linking.commit(linking.changes())
    except BaseException:
        linking.drop()
        raise
    return [part.object for part in linking.parts]


def find(name, namespace=OBJECTS):
    """The LoadedObject of a name. Raises TypeError or NoSuchObject."""
    if type(name) is not str:
        raise TypeError("an object's name is a str, not %s" % type(name).__name__)
    found = namespace.objects.get(name)
    if found is None:
        known = ", ".join(sorted(namespace.objects)) or "none"
        raise NoSuchObject(name, "", name, "it is not loaded (what is: %s)" % known)
    return found


def loaded():
    """All LoadedObjects, of all namespaces: in the order in which they were loaded."""
    return list(LOADED.objects)


def symbol(name, namespace=OBJECTS):
    """The Symbol of a name: `symbol("add3").as_func("q(qqq)")`. Raises NoSuchSymbol."""
    found = namespace.find(name)
    if found is None:
        raise NoSuchSymbol("", "", name, "no loaded object has a symbol %s")
    if found.section is None:
        raise NoSuchSymbol("", "", name, "%%s is a number of %s, and in no section" % found.holder)
    return Symbol(found)


def where(address, time=None):
    """(object name, section name, symbol name, offset) of an address in loaded code or data; None elsewhere.

    `address` is a number or has a `.value`. The symbol's name is "" where none begins before; then the offset counts
    from the section's first byte (and the section's name is "" between two sections). With a `time`, a count of
    `time.ticks_cpu()`, what was loaded later is nowhere.
    """
    number = signed(getattr(address, "value", address))
    if not REGION_START <= number < REGION_END:
        return None
    for each in LOADED.objects:
        if each.start <= number < each.end and (time is None or each.loaded_at <= time):
            return (each.name,) + each.where(number)
    return None


set_finder(where)  # for faults, which say where in loaded code they were


@one_at_a_time
def unload(*names, namespace=OBJECTS):
    """Unload objects: one, or several that need each other. Their pages and frames are free when this returns.

    Raises NoSuchObject, ObjectNeeded (names who) or ObjectHeld (somebody holds a function or a view, or machine code is
    running, which may come back to any object); then all of them stay. MappingDamaged comes when they are gone: it
    names the mapping that could not be given back.
    """
    forget_replaced()
    going = []
    for name in names:
        each = find(name, namespace)
        if each not in going:
            going.append(each)
    for each in going:
        refuse_if_needed(each, going)
    for each in going:
        refuse_if_held(each, "unload")
    Unloading(going, namespace).commit()


def refuse_if_needed(object, going):
    """Raise ObjectNeeded if an object that stays needs this one."""
    users = []
    for user, dependencies in object.used_by.items():
        if user not in going:
            users += ["%s (%s)" % (each.user, each.symbol) for each in dependencies]
    if users:
        users = ", ".join(sorted(set(users)))
        raise ObjectNeeded(object.name, "", users, "needed by %s: unload or replace what needs it first")


def refuse_if_held(object, step):
    """Raise ObjectHeld if somebody holds a function or a view of an object, or may come back to its code."""
    if functions_running():  # this is a callback, or the answer to a fault: who called whom on the way, nobody knows
        raise ObjectHeld(
            object.name, "", "", "machine code is running, and may come back to it: %s it afterwards" % step
        )
    for mapped in object.mappings.values():
        try:
            mapped._check_free_for(step)  # how every change of a mapping begins
        except StillBorrowed as refusal:
            held = ", ".join([str(each) for each in refusal.borrows[:4]])
            raise ObjectHeld(object.name, "", held, "%s would end %%s: release() it" % step)


class Unloading:
    """Objects that go, and what is stored then, made before."""

    @micropython.native
    def __init__(self, going, namespace):
        self.going = going
        used_by = {}
        for each in going:
            for used in each.uses:
                if used not in going:
                    if used not in used_by:
                        used_by[used] = used.used_by.copy()
                    del used_by[used][each]
        self.stores = [(used, "used_by", users) for used, users in used_by.items()]
        loaded, objects = list(LOADED.objects), namespace.objects.copy()
        for each in going:
            at = len(loaded) - 1
            while loaded[at] is not each:  # list.remove asks whether they are equal, from the other end
                at -= 1
            del loaded[at]
            if objects.get(each.name) is each:
                del objects[each.name]
        self.stores.append((LOADED, "objects", loaded))
        self.stores.append((namespace, "definitions", namespace.without_objects(going) if objects else {}))
        self.stores.append((namespace, "objects", objects))

    @undisturbed
    def commit(self):
        """Nobody sees them any more; their pages and frames are given back.

        What can't be given back, for somebody changed its entries (MappingDamaged), stays its mapping's, and is said.
        """
        for holder, attribute, value in self.stores:
            setattr(holder, attribute, value)
        damage = None
        for each in self.going:
            for mapped in each.mappings.values():
                try:
                    mapped.drop()
                except MappingDamaged as error:
                    damage = error
        if damage is not None:
            raise damage


def forget_replaced():
    """Unload what was replaced, as far as nobody holds it any more, nor has its address among his data."""
    for each in LOADED.held:
        try:
            refuse_if_needed(each, ())
            refuse_if_held(each, "unload")
        except (ObjectHeld, ObjectNeeded):
            continue
        if leads_into(LOADED.objects, each):
            continue
        going = Unloading([each], Namespace(""))
        going.stores.append((LOADED, "held", [other for other in LOADED.held if other is not each]))
        going.commit()


@one_at_a_time
def replace(old, file, state=None, namespace=OBJECTS):
    """Put the object file `file`, (name, bytes), in the place of the object named `old`; returns the new LoadedObject.

    Those who need `old` use the new one from their next call on; who holds a function of `old` goes on with that until
    he lets go, or as long as an address of it is among his data. What its writable sections hold is copied into those
    of the same name, which must be as large, and addresses of `old` among it become those of the same places; with
    `state`, `state(old, new)` is called with both LoadedObjects instead, before anybody sees the new one.

    Raises NoSuchObject, MissingSymbol, SizeDiffers, AddressInState, RelocationOverflow, and as `load`, or what `state`
    raises; then `old` is as it was.
    """
    forget_replaced()
    replacing = Replacing(namespace, find(old, namespace), file)
    try:
        replacing.compute()
        replacing.map()
        if state is not None:
            state(replacing.old, replacing.new)
        replacing.switch(state is None)
    except BaseException:
        replacing.drop()
        raise
    forget_replaced()
    return replacing.new
