package onnx

import "golang.org/x/sys/unix"

// bulkNice is far enough below others that a search gets nine tenths of a core that it shares with a bulk run.
const bulkNice = 10

// lowerPriority has the calling thread, and on Linux it alone, yield to others. Failing is no harm.
func lowerPriority() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), bulkNice) }
