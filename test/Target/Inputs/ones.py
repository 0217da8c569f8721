"""Writes an array of ones: ones.py FILE.npy SIZE..."""

import sys

import numpy as np

np.save(sys.argv[1], np.ones([int(size) for size in sys.argv[2:]], np.float32))
