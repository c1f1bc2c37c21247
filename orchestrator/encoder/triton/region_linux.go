package triton

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	sharedFolder = "/dev/shm" // where Linux keeps POSIX shared memory
	regionPrefix = "clipseek-"
)

// newRegion makes a region of its own name. Its memory is set aside at once, so that a full /dev/shm is an error here and
// not a signal when it is written to. The lock tells other processes that it has an owner, in whatever container.
func newRegion(size int) (*region, error) {
	r := &region{name: fmt.Sprintf("%s%d-%s", regionPrefix, os.Getpid(), rand.Text())}
	var err error
	if r.file, err = os.OpenFile(filepath.Join(sharedFolder, r.name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return nil, err
	}
	fd := int(r.file.Fd())
	err = errors.Join(syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB), syscall.Fallocate(fd, 0, 0, int64(size)))
	if err == nil {
		r.memory, err = syscall.Mmap(fd, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	}
	if err != nil {
		r.close()
		return nil, fmt.Errorf("%d bytes of shared memory: %w", size, err)
	}
	return r, nil
}

// touch notes that the region is in use now.
func (r *region) touch() {
	now := time.Now()
	_ = os.Chtimes(r.file.Name(), now, now) // a file that somebody removed needs no sweeping
}

// close removes the region, or leaves it to rest where the server may be reading it.
func (r *region) close() {
	if !r.unanswered {
		_ = os.Remove(r.file.Name())
	}
	_ = syscall.Munmap(r.memory) // as everything here, it only frees
	_ = r.file.Close()
}

// abandoned reports whether a region has no owner and has rested long enough, or is no more.
func abandoned(name string) bool {
	file, err := os.OpenFile(filepath.Join(sharedFolder, filepath.Base(name)), os.O_RDWR, 0)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer func() { _ = file.Close() }() // which unlocks it
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false
	}
	info, err := file.Stat()
	return err == nil && time.Since(info.ModTime()) > regionRests
}

// removeAbandoned removes the files of regions that nobody owns.
func removeAbandoned() {
	entries, _ := os.ReadDir(sharedFolder) // none are none
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), regionPrefix) && abandoned(entry.Name()) {
			_ = os.Remove(filepath.Join(sharedFolder, entry.Name()))
		}
	}
}
