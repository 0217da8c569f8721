"""Compile a Spikformer for event cameras and feed it a recording frame by frame.

    python examples/events/stream.py [--recording frames.npy] [--threads N]

``frames.npy`` holds event counts ``[T, 2, H, W]``; without it a bar moves through
the picture.  Every frame is one time step: the network keeps its membranes between
frames, and the answer after the last one has the same bits as that of the whole
recording at once.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import spk
from model import build


def main() -> int:
    """Stream; 1 if the bits differ from those of the whole recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recording", type=Path, help="event counts [T, 2, H, W], H = W a multiple of 16")
    parser.add_argument("--dim", type=int, default=256, help="channels of the network (default: 256)")
    parser.add_argument("--threads", type=int, default=1, help="threads (default: 1)")
    options = parser.parse_args()
    if options.recording:
        frames = np.load(options.recording).astype(np.float32)
        if frames.ndim != 4 or frames.shape[1] != 2 or frames.shape[2] != frames.shape[3] or frames.shape[2] % 16:
            parser.error(f"{options.recording} has shape {list(frames.shape)}, expected [T, 2, H, H] with H a multiple of 16")
        frames = frames[:, None]
        model = build(dim=options.dim, T=len(frames), img=frames.shape[-1])
    else:
        model = build(dim=options.dim)
        frames = model.example()[0].numpy()

    print("compiling ...", flush=True)
    net = spk.compile(model, frames, sequence=True, threads=options.threads)
    whole = net(frames)
    net.reset()
    for t, frame in enumerate(frames):
        start = time.perf_counter()
        net.step(frame)
        took = 1e3 * (time.perf_counter() - start)
        print(f"frame {t:2d}: {int(np.count_nonzero(frame)):6d} pixels with events, {took:6.2f} ms", flush=True)
    streamed = net.finish()
    order = np.argsort(-streamed[0])[:3]
    print("classes after the last frame: " + ", ".join(f"{c} ({streamed[0, c]:.3f})" for c in order))
    same = np.array_equal(streamed.view(np.uint32), whole.view(np.uint32))
    print(f"frame by frame and at once: {'the same bits' if same else 'DIFFERENT bits'}")
    return not same


if __name__ == "__main__":
    sys.exit(main())
