"""What a fault handler is good for: each file is one idea of memory management, short enough to read at the prompt.

    from examples.demand_paging import DemandPaged
    from memory import PageRange, VirtualAddress
    area = DemandPaged(PageRange.from_virt_addr(VirtualAddress(0x100000000000), 1 << 20))

None of it is on unless somebody asks for it, and then for one range of pages.
"""
