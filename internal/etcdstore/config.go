package etcdstore

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// Config says where the state lies. Exactly one of Dir and Endpoints is set.
type Config struct {
	// Dir is the data folder of an etcd in this process. It is made if it does not exist and closed to other users.
	Dir string
	// Endpoints are the addresses of an etcd cluster, such as "https://etcd-1:2379".
	Endpoints []string
	// TLS is used with https endpoints. Defaults to the system's certificate authorities.
	TLS *tls.Config
	// Username for the cluster. Defaults to none.
	Username string
	// Password of Username.
	Password string
	// Prefix of every key. Bridges with the same one share their sessions. Defaults to "toolbridge/".
	Prefix string
	// DialTimeout bounds how long the cluster may take to answer at the start. Defaults to 5 s.
	DialTimeout time.Duration
	// RequestTimeout bounds each request to etcd. Defaults to 5 s.
	RequestTimeout time.Duration
	// QuotaBytes bounds the data of an etcd in this process. Defaults to 8 GiB.
	QuotaBytes int64
	// Logger gets errors of etcd and of work in the background. Defaults to slog.Default().
	Logger *slog.Logger
}

const (
	defaultPrefix  = "toolbridge/"
	defaultTimeout = 5 * time.Second
	defaultQuota   = 8 << 30
)

func (c Config) withDefaults() (Config, error) {
	if (c.Dir == "") == (len(c.Endpoints) == 0) {
		return c, errors.New("etcdstore: set either Dir or Endpoints")
	}
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if !strings.HasSuffix(c.Prefix, "/") {
		c.Prefix += "/"
	}
	if c.DialTimeout <= 0 {
		c.DialTimeout = defaultTimeout
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = defaultTimeout
	}
	if c.QuotaBytes <= 0 {
		c.QuotaBytes = defaultQuota
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}
