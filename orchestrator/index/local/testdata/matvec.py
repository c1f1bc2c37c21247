"""Times NumPy's matrix-vector product, for comparison with a search of the same size.

Usage: matvec.py ROWS WIDTH. For each line on stdin, a number of repeats, it prints the times in nanoseconds.
"""

import sys
import time

import numpy

rows, width = int(sys.argv[1]), int(sys.argv[2])
random = numpy.random.default_rng(1)
matrix = random.standard_normal((rows, width), dtype=numpy.float32)
matrix /= numpy.linalg.norm(matrix, axis=1, keepdims=True)
query = matrix[0].copy()

for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        start = time.perf_counter_ns()
        matrix @ query
        times.append(time.perf_counter_ns() - start)
    print(*times, flush=True)
