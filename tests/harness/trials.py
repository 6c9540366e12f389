"""Trials on the target: an act is done with trouble at its n-th point, for every n."""

import ast


def tried(kernel, call):
    """Run a trial, which returns (points, what was wrong where); return how many points. Nothing may be wrong."""
    points, wrong = ast.literal_eval(kernel.text(call, timeout=120))
    assert wrong == [], f"{call}: {wrong}"
    return points
