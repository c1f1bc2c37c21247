package servers

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// S3Config says how an S3 server runs.
type S3Config struct {
	Home   string // from Home
	Folder string // where its log goes and, in the folder buckets, its objects; it must be there
	Port   int    // 0 takes a free one
	Keep   bool   // let it outlive this program
}

// S3 is a running Versity S3 gateway, which keeps objects as files.
type S3 struct {
	process
	Endpoint string // its URL
	Buckets  string // folder in which each folder is a bucket, and each file below it an object

	secret string
}

// The user that an S3 server has, and the region that it signs for.
const (
	s3User   = "clipseek"
	s3Region = "us-east-1"
)

// StartS3 starts an S3 server and waits until it answers. The caller ends it with Stop or Kill.
func StartS3(ctx context.Context, cfg S3Config) (*S3, error) {
	return again(func() (*S3, error) { return startS3(ctx, cfg) })
}

func startS3(ctx context.Context, cfg S3Config) (*S3, error) {
	ports, err := freePorts(1, cfg.Port)
	if err != nil {
		return nil, err
	}
	s := &S3{Endpoint: "http://" + loopback(ports[0]), Buckets: filepath.Join(cfg.Folder, "buckets"), secret: rand.Text()}
	if err := os.MkdirAll(s.Buckets, 0o700); err != nil {
		return nil, err
	}
	// Metadata beside the objects: not every file system that tests run on has extended attributes.
	sidecar := filepath.Join(cfg.Folder, "metadata")
	if err := os.MkdirAll(sidecar, 0o700); err != nil {
		return nil, err
	}
	s.process = process{
		name: "the S3 server", log: filepath.Join(cfg.Folder, "s3.log"), keep: cfg.Keep,
		command: func(ctx context.Context) *exec.Cmd {
			bin := filepath.Join(filepath.Dir(cfg.Home), ".tools", "versitygw")
			cmd := exec.CommandContext(ctx, bin, "--port", "127.0.0.1:"+strconv.Itoa(ports[0]), "--region", s3Region, "--quiet",
				"posix", "--sidecar", sidecar, "--disableotmp", s.Buckets)
			cmd.Dir = cfg.Folder
			cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s3User, "ROOT_SECRET_KEY="+s.secret)
			return cmd
		},
		ready: func(ctx context.Context) error { return listening(ctx, loopback(ports[0])) },
	}
	return s, s.Start(ctx)
}

// MakeBucket makes a bucket; it may be there.
func (s *S3) MakeBucket(_ context.Context, name string) error {
	return os.MkdirAll(filepath.Join(s.Buckets, name), 0o700)
}

// Environment is what AWS' variables have to be for a client of the server; nothing else on this machine is asked.
func (s *S3) Environment() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": s3User, "AWS_SECRET_ACCESS_KEY": s.secret, "AWS_REGION": s3Region, "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "", "AWS_CA_BUNDLE": "",
	}
}
