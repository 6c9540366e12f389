#!/usr/bin/env python3
"""An experiment from the host: page faults by the number of frames, counted on the real MMU; printed, drawn, exported.

    .venv/bin/python tools/experiment.py [-o build/experiment.svg] [--csv FILE] [--trace zipf] [--policies fifo,clock]

It boots a machine, runs Python in it, gets the numbers back, prints them and draws them. Take it as a pattern: what
runs in the kernel is the text of PROGRAM. --trace is one that the kernel makes, or a file as lackey writes it; --frames
is 1-16 or 2,4,8.
"""

import argparse
import csv
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from drawing import FONT, STYLE
from machine import BUILD, ROOT
from say import say, stop

sys.path.insert(0, str(ROOT / "tests"))
from harness import Kernel, KernelRaised, QemuGuest

FRAMES = list(range(1, 17))
POLICIES = ["fifo", "clock"]
PROGRAM = """
from replacement.laboratory import check, faults_of
from replacement.policies import policy_of
from replacement.traces import made, read
"""
COLOURS = ["#f28e2b", "#4c78a8", "#59a14f", "#e15759", "#76b7b2", "#b6992d", "#b07aa1", "#ff9da7", "#9c755f", "#79706e"]
WIDTH, HEIGHT, EDGE, LEGEND, ROW = 640, 320, 44, 80, 15
DASHES = ("", "7 4", "2 3", "9 3 2 3")
CHUNK = 16_384  # bytes of a file that are sent at once


def measure(references=None, trace="favourites", policies=POLICIES, frames=FRAMES, told=lambda text: None):
    """Return (what the trace is, {policy: [faults for each number of frames]}); told(text) hears how far it is.

    Raises KernelRaised: no such policy, no such trace, a bad line in a file, frames that no run can have.
    """
    with QemuGuest() as guest:
        guest.console.wait_for_prompt(30)
        kernel = Kernel(guest, timeout=600)
        kernel.exec(PROGRAM)
        for policy in policies:
            kernel.exec(f"policy_of({policy!r})")
        if Path(trace).is_file():
            kernel.exec("sent = open('sent.trace', 'wb')")
            content = Path(trace).read_bytes()
            for start in range(0, len(content), CHUNK):
                kernel.exec(f"_ = sent.write({content[start : start + CHUNK]!r})")
            kernel.exec(f"sent.close()\ntrace = read('sent.trace')\ntrace.name = {Path(trace).name!r}")
        else:
            kernel.exec(f"trace = made({trace!r}, {references})")
        kernel.exec(f"for count in {frames}: check(trace, count)")
        results = {policy: [] for policy in policies}
        for policy in policies:
            for count in frames:
                told(f"{policy} with {count} frames")
                results[policy].append(kernel.eval(f"faults_of({policy!r}, {count}, trace)"))
        return kernel.text("trace"), results


def point(count, faults, frames, most):
    """Return where a measurement with so many frames lies in the drawing."""
    x = EDGE + (count - min(frames)) * (WIDTH - LEGEND - 2 * EDGE) / max(1, max(frames) - min(frames))
    return round(x, 1), round(HEIGHT - EDGE - faults * (HEIGHT - 2 * EDGE) / most, 1)


def label_heights(results, frames, most):
    """Return {policy: the height of its label}: beside the end of its line, and no two nearer than a row."""
    heights, last = {}, 0
    for policy in sorted(results, key=lambda each: -results[each][-1]):
        last = max(point(frames[-1], results[policy][-1], frames, most)[1] + 4, last + ROW)
        heights[policy] = last
    return heights


def svg(title, results, frames=FRAMES):
    """Return the drawing as text: a line for each policy, faults upwards, frames to the right.

    Each line has dashes of its own besides its colour, and its name at its end.
    """
    most = max(max(counts) for counts in results.values())
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT} font-size="12">', STYLE]
    parts.append(f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>')
    axes = f"M{EDGE},{EDGE} V{HEIGHT - EDGE} H{WIDTH - LEGEND - EDGE}"
    parts.append(f'<path class="lead" d="{axes}"/>')
    heights = label_heights(results, frames, most)
    for place, (policy, counts) in enumerate(results.items()):
        colour = COLOURS[place % len(COLOURS)]
        dashes = f' stroke-dasharray="{DASHES[place % len(DASHES)]}"' if place % len(DASHES) else ""
        places = [point(*pair, frames, most) for pair in zip(frames, counts, strict=True)]
        line = " ".join(f"{x:g},{y:g}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        x = WIDTH - LEGEND - EDGE + 8
        parts.append(f'<text x="{x}" y="{heights[policy]:g}" style="fill:{colour}" class="bold">{policy}</text>')
    parts.append(f'<text x="{EDGE}" y="16" font-size="14">Page faults by frames</text>')
    parts.append(f'<text x="{EDGE}" y="33">{escape(title)}</text>')
    for count in frames[:: max(1, len(frames) // 8)]:
        x = point(count, 0, frames, most)[0]
        parts.append(f'<text x="{x}" y="{HEIGHT - EDGE + 18}" text-anchor="middle">{count}</text>')
    for faults in range(0, most + 1, max(1, most // 4)):
        y = point(min(frames), faults, frames, most)[1]
        parts.append(f'<text x="{EDGE - 6}" y="{y + 4}" text-anchor="end">{faults}</text>')
    return "\n".join([*parts, "</svg>\n"])


def write_csv(path, title, results, frames):
    """Write a row for each run: trace, policy, frames, faults."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["trace", "policy", "frames", "faults"])
        for policy, counts in results.items():
            writer.writerows([title, policy, *pair] for pair in zip(frames, counts, strict=True))


def numbers(text):
    """Return the numbers that 1-16 or 2,4,8 means, for a command line."""
    try:
        first, dash, last = text.partition("-")
        return list(range(int(first), int(last) + 1)) if dash else [int(each) for each in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: 1-16 or 2,4,8 expected") from None


def main():
    """Read the command line, measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("-o", "--output", type=Path, default=BUILD / "experiment.svg", help="the drawing, as SVG")
    parser.add_argument("--csv", type=Path, help="the numbers, a row for each run")
    parser.add_argument("--trace", default="favourites", help="one that the kernel makes, or a file")
    parser.add_argument("--policies", default=",".join(POLICIES), help="names with commas between them")
    parser.add_argument("--frames", type=numbers, default=FRAMES)
    parser.add_argument("--references", type=int, help="how many accesses; for traces that are made")
    options = parser.parse_args()
    try:
        title, results = measure(options.references, options.trace, options.policies.split(","), options.frames, say)
    except KernelRaised as error:
        stop(f"{error.name}: {error.message}")
    print("frames  " + "  ".join(f"{policy:>8}" for policy in results))
    for place, frames in enumerate(options.frames):
        print(f"{frames:6}  " + "  ".join(f"{counts[place]:8}" for counts in results.values()))
    options.output.write_text(svg(title, results, options.frames))
    if options.csv:
        write_csv(options.csv, title, results, options.frames)
    print(f"drawn into {options.output}")


if __name__ == "__main__":
    main()
