"""Fails unless every tapped neuron fires between 2 % and 60 %: firing_rates.py DIR."""

import sys
from pathlib import Path

import numpy as np

rates = {f.name: np.count_nonzero(a := np.load(f)) / a.size for f in sorted(Path(sys.argv[1]).glob("*:spikes.npy"))}
for name, rate in rates.items():
    print(f"{name}: {100 * rate:.1f} %")
sys.exit(not rates or not all(0.02 <= rate <= 0.6 for rate in rates.values()))
