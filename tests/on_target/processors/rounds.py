"""rounds(most, limit_ms): CPU 1 is given a job, told to forget pages meanwhile, and stopped; again and again."""

target = create_mapping(4096, RW)
page = target.start_address.value >> 12


def rounds(most, limit_ms):
    """How many there were; each has ended as it should."""
    began = ticks_ms()
    for done in range(most):
        ap.start(HAMMER, target, 1, 8, 0)
        for _ in range(done % 4):
            _processors.shoot(0, page, 1, 4096)
        ap.stop()
        if ticks_diff(ticks_ms(), began) > limit_ms:
            break
    assert ap.read(target) < 256
    return done + 1
