package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"clipseek/orchestrator/fault"
)

// hashFile is the SHA-256 of a file, hexadecimal, and its length.
func hashFile(ctx context.Context, at string) (hash string, size int64, err error) {
	f, err := os.Open(at)
	if err != nil {
		return "", 0, fault.Internal("read %s", at).Because(err)
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	sum := sha256.New()
	for buffer := make([]byte, 1<<20); ; {
		n, err := f.Read(buffer)
		sum.Write(buffer[:n])
		size += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			return hex.EncodeToString(sum.Sum(nil)), size, nil
		case err != nil:
			return "", 0, fault.Unavailable("%s cannot be read again after it was written; the disk may be failing", at).Because(err)
		case ctx.Err() != nil:
			return "", 0, ctx.Err()
		}
	}
}
