package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// MilvusConfig says how a Milvus runs.
type MilvusConfig struct {
	Home   string // from Home
	Folder string // where its data, configuration and log go; it must be there, and may hold an earlier run's
	Port   int    // of gRPC; 0 takes a free one
	Users  bool   // ask for user and password; the first is root with the password Milvus
	TLS    *TLS   // serve TLS
	Keep   bool   // let it outlive this program
}

// TLS names PEM files.
type TLS struct {
	Cert, Key string // of the server
	CA        string // of clients, whose certificates are then asked for; empty asks for none
}

// Milvus is a running Milvus standalone.
type Milvus struct {
	process
	GRPC string // host:port
}

// StartMilvus starts a Milvus and waits until it is healthy. The caller ends it with Stop or Kill.
func StartMilvus(ctx context.Context, cfg MilvusConfig) (*Milvus, error) {
	return again(func() (*Milvus, error) { return startMilvus(ctx, cfg) })
}

func startMilvus(ctx context.Context, cfg MilvusConfig) (*Milvus, error) {
	ports, err := freePorts(len(milvusPorts)+5, cfg.Port)
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(cfg.Folder)
	if err != nil {
		return nil, err
	}
	if err := writeMilvusConfig(cfg, folder, ports); err != nil {
		return nil, err
	}
	m := &Milvus{GRPC: loopback(ports[0])}
	health := ports[len(ports)-1]
	m.process = process{
		name: "Milvus", log: filepath.Join(folder, "milvus.log"), keep: cfg.Keep,
		command: func(ctx context.Context) *exec.Cmd {
			bin := filepath.Join(cfg.Home, "milvus", "bin")
			cmd := exec.CommandContext(ctx, filepath.Join(bin, "milvus"), "run", "standalone", "-alias", "clipseek-"+strconv.Itoa(ports[0])) // names its lock file
			cmd.Dir = folder
			cmd.Env = append(os.Environ(), "MILVUSCONF="+folder, "DEPLOY_MODE=STANDALONE", "METRICS_PORT="+strconv.Itoa(health), "LD_LIBRARY_PATH="+bin)
			return cmd
		},
		ready: func(ctx context.Context) error {
			return errors.Join(answers(ctx, "http://"+loopback(health)+"/healthz"), listening(ctx, m.GRPC))
		},
	}
	return m, m.Start(ctx)
}

// milvusPorts are the parts that listen, each on a port of its own behind the proxy's.
var milvusPorts = []string{"rootCoord", "queryCoord", "queryNode", "indexNode", "dataCoord", "dataNode"}

// writeMilvusConfig writes the three files that Milvus reads: its own, that of the etcd inside it, and its logger's.
func writeMilvusConfig(cfg MilvusConfig, folder string, ports []int) error {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	etcd, peer := loopback(ports[len(ports)-3]), loopback(ports[len(ports)-2])
	line("etcd: {endpoints: %q, use: {embed: true}, data: {dir: %q}, config: {path: %q}}", etcd, filepath.Join(folder, "etcd"), filepath.Join(folder, "etcd.yaml"))
	line("localStorage: {path: %q}", filepath.Join(folder, "storage"))
	line("rocksmq: {path: %q}", filepath.Join(folder, "rocksmq"))
	line("proxy: {ip: 127.0.0.1, port: %d, internalPort: %d}", ports[0], ports[1])
	for i, part := range milvusPorts {
		line("%s: {ip: 127.0.0.1, port: %d}", part, ports[2+i])
	}
	// A short session lets a killed server come back in seconds instead of a minute; a shorter one is lost on a busy machine.
	security := fmt.Sprintf("authorizationEnabled: %t", cfg.Users)
	if cfg.TLS != nil {
		mode := 1
		if cfg.TLS.CA != "" {
			mode = 2
		}
		security += fmt.Sprintf(", tlsMode: %d", mode)
		line("tls: {serverPemPath: %q, serverKeyPath: %q, caPemPath: %q}", cfg.TLS.Cert, cfg.TLS.Key, cfg.TLS.CA)
	}
	line("common: {storageType: local, session: {ttl: 10}, security: {%s}}", security)
	line("log: {level: warn}")
	etcdText := fmt.Sprintf("name: default\ndata-dir: %[1]q\nlisten-client-urls: http://%[2]s\nadvertise-client-urls: http://%[2]s\n"+
		"listen-peer-urls: http://%[3]s\ninitial-advertise-peer-urls: http://%[3]s\ninitial-cluster: default=http://%[3]s\nlog-level: error\n",
		filepath.Join(folder, "etcd"), etcd, peer)
	for name, content := range map[string]string{"milvus.yaml": text.String(), "etcd.yaml": etcdText, "glog.conf": "--logtostderr=true\n--minloglevel=2\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
