"""Times all pairs of unit vectors by products of blocks: pairs.py ROWS WIDTH THRESHOLD, prints seconds."""

import sys
import time

import numpy as np

rows, width, threshold = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
vectors = np.random.default_rng(1).standard_normal((rows, width), dtype=np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
block = 2048
began = time.perf_counter()
found = 0
for row in range(0, rows, block):
    for column in range(row, rows, block):
        found += np.count_nonzero(vectors[row : row + block] @ vectors[column : column + block].T >= threshold)
print(time.perf_counter() - began)
