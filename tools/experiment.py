#!/usr/bin/env python3
"""An experiment from the host: page faults by the number of frames, for two policies, counted on the real MMU.

    .venv/bin/python tools/experiment.py [-o build/experiment.svg] [--references 400]

It boots a machine, runs Python in it, gets the numbers back, prints them and draws them. Take it as a pattern: what
runs in the kernel is the text of PROGRAM.
"""

import argparse
import sys
from pathlib import Path

from machine import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tests"))
from harness import Kernel, QemuGuest

FRAMES = range(1, 17)
POLICIES = {"fifo": "#f28e2b", "clock": "#4c78a8"}
PROGRAM = "from examples.replacement_chart import *"
WIDTH, HEIGHT, EDGE = 560, 300, 44


def measure(references):
    """Return {policy: [faults for each number of frames]}."""
    with QemuGuest() as guest:
        guest.console.wait_for_prompt(30)
        kernel = Kernel(guest, timeout=60)
        kernel.exec(f"{PROGRAM}\nreferences = mostly_few({references})")
        return {
            policy: [kernel.eval(f"faults_of({policy}, {frames}, references)") for frames in FRAMES]
            for policy in POLICIES
        }


def point(frames, faults, most):
    """Return where a measurement lies in the drawing."""
    x = EDGE + (frames - FRAMES[0]) * (WIDTH - 2 * EDGE) / (len(FRAMES) - 1)
    return f"{x:.1f},{HEIGHT - EDGE - faults * (HEIGHT - 2 * EDGE) / most:.1f}"


def svg(results, references):
    """Return the drawing as text."""
    font = 'font-family="sans-serif" font-size="12"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {font}>']
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>')
    parts.append(f'<text x="{EDGE}" y="22" font-size="14">Page faults of {references} accesses, by frames</text>')
    for place, (policy, colour) in enumerate(POLICIES.items()):
        line = " ".join(
            point(frames, faults, references) for frames, faults in zip(FRAMES, results[policy], strict=True)
        )
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDTH - EDGE - 60}" y="{50 + 16 * place}" fill="{colour}">{policy}</text>')
    for frames in FRAMES[::3]:
        x = point(frames, 0, references).split(",")[0]
        parts.append(f'<text x="{x}" y="{HEIGHT - EDGE + 18}" text-anchor="middle">{frames}</text>')
    for faults in range(0, references + 1, max(1, references // 4)):
        y = point(FRAMES[0], faults, references).split(",")[1]
        parts.append(f'<text x="{EDGE - 6}" y="{y}" text-anchor="end">{faults}</text>')
    axes = f"M{EDGE},{EDGE} V{HEIGHT - EDGE} H{WIDTH - EDGE}"
    parts.append(f'<path d="{axes}" fill="none" stroke="#444"/>')
    return "\n".join([*parts, "</svg>\n"])


def main():
    """Read the command line, measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("-o", "--output", type=Path, default=BUILD / "experiment.svg")
    parser.add_argument("--references", type=int, default=400, help="how many accesses")
    options = parser.parse_args()
    results = measure(options.references)
    print("frames  " + "  ".join(f"{policy:>6}" for policy in POLICIES))
    for place, frames in enumerate(FRAMES):
        print(f"{frames:6}  " + "  ".join(f"{results[policy][place]:6}" for policy in POLICIES))
    options.output.write_text(svg(results, options.references))
    print(f"drawn into {options.output}")


if __name__ == "__main__":
    main()
