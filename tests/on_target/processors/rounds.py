"""rounds(most, limit_ms): each other CPU is given a job, told to forget pages meanwhile, and stopped; again."""

from processors import processors

others = processors()
target = create_mapping(4096, RW)
page = target.start_address.value >> 12


def rounds(most, limit_ms):
    """How many there were; each has ended as it should."""
    began = ticks_ms()
    for done in range(most):
        for each in others:
            each.start(HAMMER, target, 1, 8, 0)
        for _ in range(done % 4):
            _processors.shoot(0, page, 1, 4096)
        for each in others:
            each.stop()
        if ticks_diff(ticks_ms(), began) > limit_ms:
            break
    for each in others:
        assert each.read(target) < 256
    return done + 1
