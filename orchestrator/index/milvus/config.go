package milvus

import (
	"errors"
	"net"
	"strconv"
	"time"

	"clipseek/orchestrator/fault"
	"clipseek/orchestrator/index"
	"clipseek/orchestrator/tlsclient"
)

// Config says where Milvus is and how collections are kept there. Default is how the original system kept them.
type Config struct {
	Address  string `koanf:"address"` // host:port of its gRPC
	Database string `koanf:"database"`
	User     string `koanf:"user"`
	Password string `koanf:"password" secret:"true"`
	Token    string `koanf:"token" secret:"true"` // an API key, or user:password, in place of User and Password
	TLS      TLS    `koanf:"tls"`

	// What a collection that is made here is like; one that is there is taken as it is, if it has the fields.
	Fields     Fields      `koanf:"fields"`
	PathLength int         `koanf:"path_length"` // longest path, bytes
	Shards     int         `koanf:"shards"`
	Replicas   int         `koanf:"replicas"` // copies in memory, each on query nodes of its own
	Index      IndexConfig `koanf:"index"`

	// Consistency is what a search sees of writes. All but strong see those made elsewhere with a delay:
	//
	//	strong      all that were acknowledged; a search waits for the next tick of the server's clock, up to 0.3 s
	//	session     all of this process's, and others' within a second; it waits only right after a write of its own
	//	bounded     others' within the server's graceful time (5 s), and its own no sooner
	//	eventually  what has arrived
	Consistency string `koanf:"consistency"`

	Timeout      time.Duration `koanf:"timeout"`       // of one call that reads
	WriteTimeout time.Duration `koanf:"write_timeout"` // of one call that writes or changes a collection
	Batch        Batch         `koanf:"batch"`
}

// TLS says how servers are known, and how we are known to them.
type TLS = tlsclient.Config

// Fields names the columns of a collection.
type Fields struct {
	ID     string `koanf:"id"`     // INT64, primary key
	Vector string `koanf:"vector"` // FLOAT_VECTOR
	Path   string `koanf:"path"`   // VARCHAR
}

// Batch bounds the requests that a write is divided into.
type Batch struct {
	Bytes   int `koanf:"bytes"`   // the server takes 64 MiB at most
	Rows    int `koanf:"rows"`    // no request has more records
	Writers int `koanf:"writers"` // requests of one write under way at once
}

// What consistency may be.
const (
	strong     = "strong"
	session    = "session"
	bounded    = "bounded"
	eventually = "eventually"
)

// Default is a Milvus on this machine, with the names and the index of the original system.
func Default() Config {
	return Config{
		Address: "127.0.0.1:19530", Database: "text_image_db",
		Fields: Fields{ID: "m_id", Vector: "embeding", Path: "path"}, PathLength: 1024, Shards: 2, Replicas: 1,
		Index:       IndexConfig{Type: "IVF_FLAT", Metric: string(innerProduct)},
		Consistency: session, Timeout: 10 * time.Second, WriteTimeout: time.Minute,
		Batch: Batch{Bytes: 16 << 20, Rows: 10_000, Writers: 2},
	}
}

// Validate reports every fault but those of Index, which has a Validate of its own.
func (c Config) Validate() error {
	all := []error{
		c.Fields.validate(), c.TLS.Check(),
		fault.Between("path_length", c.PathLength, 1, index.MaxPathBytes, 1024),
		fault.Between("shards", c.Shards, 1, 64, 2),
		fault.Between("replicas", c.Replicas, 1, 64, 1),
		fault.Between("batch.bytes", c.Batch.Bytes, 1<<20, 60<<20, 16<<20), // a record may have 0.4 MB
		fault.Between("batch.rows", c.Batch.Rows, 1, 100_000, 10_000),
		fault.Between("batch.writers", c.Batch.Writers, 1, 64, 2),
		fault.Within("timeout", c.Timeout, 100*time.Millisecond, time.Hour, "10s"),
		fault.Within("write_timeout", c.WriteTimeout, 100*time.Millisecond, time.Hour, "1m"),
		identifier("database", c.Database, "text_image_db"),
	}
	host, port, err := net.SplitHostPort(c.Address)
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || portErr != nil || n == 0 {
		all = append(all, fault.Invalid("address = %q must be host:port, for example 127.0.0.1:19530", c.Address))
	}
	switch c.Consistency {
	case strong, session, bounded, eventually:
	default:
		all = append(all, fault.Invalid("consistency = %q must be strong, session, bounded or eventually", c.Consistency))
	}
	if c.Token != "" && (c.User != "" || c.Password != "") {
		all = append(all, fault.Invalid("token must stand alone; user and password are given too"))
	}
	if (c.User == "") != (c.Password == "") {
		all = append(all, fault.Invalid("user and password must be given together"))
	}
	return errors.Join(all...)
}

func (f Fields) validate() error {
	all := []error{
		identifier("fields.id", f.ID, "m_id"), identifier("fields.vector", f.Vector, "embeding"), identifier("fields.path", f.Path, "path"),
	}
	if f.ID == f.Vector || f.ID == f.Path || f.Vector == f.Path {
		all = append(all, fault.Invalid("fields.id, fields.vector and fields.path must be three names, for example m_id, embeding and path"))
	}
	return errors.Join(all...)
}

// identifier refuses what Milvus takes for no name; its rule is that of collections.
func identifier(key, name, example string) error {
	if index.CheckCollection(name) == nil {
		return nil
	}
	return fault.Invalid("%s = %q must be letters, digits and _, not a digit first, at most 255, for example %s", key, name, example)
}
