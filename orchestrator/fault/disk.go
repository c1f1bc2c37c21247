package fault

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// Unwritable is the fault of what the system says of writing to the file or folder at: Forbidden, Invalid where a file is
// in a folder's place, else Unavailable. noRoom is the message where the disk is full. A fault in err stays as it is.
func Unwritable(at string, err error, noRoom string) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return Unavailable("%s", noRoom).Because(err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return Invalid("%s cannot be written: a file is where a folder belongs, or the other way round", at).Because(err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return Forbidden("%s cannot be written: no permission", at).Because(err)
	}
	cause := err
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		cause = pathError.Err
	}
	return Unavailable("%s cannot be written: %s", at, strings.TrimSpace(cause.Error())).Because(err)
}
