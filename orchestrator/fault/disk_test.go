package fault_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"clipseek/orchestrator/fault"
)

func TestUnwritable(t *testing.T) {
	t.Parallel()
	path := func(err error) error { return &fs.PathError{Op: "open", Path: "/x", Err: err} }
	for name, tc := range map[string]struct {
		err     error
		kind    fault.Kind
		message string
	}{
		"full":          {path(syscall.ENOSPC), fault.KindUnavailable, "no room"},
		"over quota":    {path(syscall.EDQUOT), fault.KindUnavailable, "no room"},
		"not a folder":  {path(syscall.ENOTDIR), fault.KindInvalid, "/x cannot be written: a file is where a folder belongs, or the other way round"},
		"no permission": {path(syscall.EACCES), fault.KindForbidden, "/x cannot be written: no permission"},
		"read only":     {path(syscall.EROFS), fault.KindForbidden, "/x cannot be written: no permission"},
		"another":       {path(syscall.EIO), fault.KindUnavailable, "/x cannot be written: input/output error"},
		"a fault":       {errors.Join(fault.Conflict("it changed"), nil), fault.KindConflict, "it changed"},
	} {
		err := fault.Unwritable("/x", tc.err, "no room")
		if fault.KindOf(err) != tc.kind || fault.Public(err) != tc.message {
			t.Errorf("%s: %s, %q", name, fault.KindOf(err), fault.Public(err))
		}
	}
}
