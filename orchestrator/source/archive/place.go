package archive

import (
	"fmt"
	"hash/fnv"
	"os"
	"strconv"
	"strings"

	"clipseek/orchestrator/fault"
)

// place is where an entry stands. As text: its fields in order, with points between.
type place struct {
	number int64  // of the entry, from 1
	offset int64  // zip: of its record in the directory; tar, uncompressed: of its content
	size   int64  // of its content
	stamp  uint64 // of the archive when this was noted; of another one the number alone counts
}

func (p place) String() string {
	return fmt.Sprintf("%d.%d.%d.%x", p.number, p.offset, p.size, p.stamp)
}

// parsePlace reverses String; "" is before everything.
func parsePlace(s string) (p place, ok bool) {
	if s == "" {
		return place{}, true
	}
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return place{}, false
	}
	for i, to := range []*int64{&p.number, &p.offset, &p.size} {
		n, err := strconv.ParseInt(parts[i], 10, 64)
		if err != nil || n < 0 {
			return place{}, false
		}
		*to = n
	}
	var err error
	p.stamp, err = strconv.ParseUint(parts[3], 16, 64)
	return p, err == nil && p.number > 0 && p.String() == s
}

func noPlace(s, archive string) error {
	return fault.Invalid("%q is no place in %s; begin the listing anew", s, archive)
}

// stampOf tells an archive from the one that lay there before.
func stampOf(info os.FileInfo) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, info.Size(), info.ModTime().UnixNano()) // a hash takes everything
	return h.Sum64()
}
