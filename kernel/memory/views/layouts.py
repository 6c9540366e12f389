"""Layouts of structs: checked once, when a view is made, and put into the form that its fields are found by.

A layout is a dict in the notation of `uctypes`:

    field            value                                     a small int is, in bits,
    scalar           offset | UINT32                           30..27 type, 26..0 offset in bytes
    bit-field        offset | BFUINT32 | 3 << BF_POS | 5 << BF_LEN
                                                               30..27 type, 26..22 length, 21..17 position, 16..0 offset
    struct           (offset, {...})                           of an offset in a tuple: 30..29 kind
    array            (offset | ARRAY, 4 | UINT8)               30..27 type, 26..0 length
    array of structs (offset | ARRAY, 4, {...})

What comes out is a dict of its own (its form: port/views/overlay.c): a layout that is changed later changes no view.
"""

from micropython import const

# By the type's number. Those of bit-fields are of what the bits lie in; small letters have a sign.
_CODES = b"BbHhIiQqBbHhIifd"
_SIZES = b"\x01\x01\x02\x02\x04\x04\x08\x08\x01\x01\x02\x02\x04\x04\x04\x08"
_FIRST_BIT_FIELD, _LAST_BIT_FIELD = const(8), const(13)

_STRUCT, _POINTER, _ARRAY = const(0), const(1), const(2)  # kinds of a tuple
_LIMIT_BITS = const(31)
_DESCRIPTOR_LIMIT = const(1 << 30)
_COUNT_MASK = const(0x7FFFFFF)


def checked(layout):
    """Return (fields, size, alignment) of a layout, or of a class that has one as its attribute `layout`.

    The size is a multiple of the alignment, as in C; both in bytes. Raises TypeError for what is no layout, and
    ValueError for a field that is not aligned, or an offset or a count that is out of range.
    """
    return _extent(layout if type(layout) is dict else getattr(layout, "layout", layout))


def _extent(layout):
    if not isinstance(layout, dict):
        raise TypeError("layout: a dict of fields, or a class with one in its attribute `layout`")
    fields, end, alignment = {}, 0, 1
    for name, value in layout.items():
        if type(value) is tuple:
            field, offset, size, aligned = _aggregate(name, value)
        else:
            type_number, offset = _descriptor(name, value)
            size = aligned = _SIZES[type_number]
            field = _CODES[type_number]
            if _FIRST_BIT_FIELD <= type_number <= _LAST_BIT_FIELD:
                width, position, offset = offset >> 22, offset >> 17 & 31, offset & 0x1FFFF
                if width == 0 or position + width > 8 * size:
                    raise TypeError("layout: a bit-field does not fit its type")
                field |= position << 8 | width << 16
            field |= offset << 32
        if offset % aligned:
            raise ValueError("layout: field %r at offset %d is not aligned to %d bytes" % (name, offset, aligned))
        fields[name] = field
        if offset + size > end:
            end = offset + size
        if aligned > alignment:
            alignment = aligned
    size = (end + alignment - 1) & -alignment
    if size >> _LIMIT_BITS:
        raise TypeError("layout: larger than 2 GiB")
    return fields, size, alignment


def _aggregate(name, value):
    """A struct or an array: how it is found, its offset, size and alignment."""
    if not 2 <= len(value) <= 3:
        raise TypeError("layout: a tuple has two or three members")
    _descriptor(name, value[0])
    kind, offset = value[0] >> 29 & 3, value[0] & 0x1FFFFFFF
    if kind == _POINTER:
        raise TypeError("layout: pointers are refused: they lead out of the mapping")
    if kind == _STRUCT and len(value) == 2:
        fields, size, alignment = _extent(value[1])
        return (offset, None, size, fields), offset, size, alignment
    if kind != _ARRAY:
        raise TypeError(
            "layout: a struct is (offset, {...}), an array (offset | ARRAY, length | type) or"
            " (offset | ARRAY, length, {...})"
        )
    type_number, count = _descriptor(name, value[1])
    # What does not fit into the bits of a count is in those of the type, where nobody would see it.
    if count == 0 or (len(value) == 3 and type_number != 0):
        raise ValueError(
            "layout: field %r: %#x says no count of elements from 1 to %#x" % (name, value[1], _COUNT_MASK)
        )
    if len(value) == 3:
        elements, size, alignment = _extent(value[2])
        if size == 0:
            raise TypeError("layout: the elements of an array have fields")
    elif _FIRST_BIT_FIELD <= type_number <= _LAST_BIT_FIELD:
        raise TypeError("layout: an array has no bit-fields for elements")
    else:
        elements, size, alignment = _CODES[type_number], _SIZES[type_number], _SIZES[type_number]
    return (offset, count, size, elements), offset, count * size, alignment


def _descriptor(name, value):
    """The number of a type, and the 27 bits below it. Types from the middle on are negative, as `uctypes` has them."""
    if type(value) is not int:
        raise TypeError("layout: field %r: %r is neither an int nor a tuple" % (name, value))
    if not -_DESCRIPTOR_LIMIT <= value < _DESCRIPTOR_LIMIT:
        raise ValueError("layout: field %r: %#x is too large for an offset or a count" % (name, value))
    return value >> 27 & 15, value & _COUNT_MASK
