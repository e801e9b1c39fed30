package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/zap"
)

// serveEtcd puts into an etcd that it embeds, as often and as long as it is asked to. Nothing is sent: the client is in the
// same process, and the server does not listen.
func serveEtcd(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	config := embed.NewConfig()
	config.Dir = args[0]
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	config.ListenPeerUrls, config.ListenClientUrls = []url.URL{}, []url.URL{}
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return fmt.Errorf("etcd in %s: %w", args[0], err)
	}
	defer etcd.Close()
	select {
	case <-etcd.Server.ReadyNotify():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := ready(out, "no address"); err != nil {
		return err
	}
	return answer(ctx, in, out, loop(putKeys(v3client.New(etcd.Server))))
}

// putKeys puts 100 bytes under one of 1,000 keys.
func putKeys(client clientv3.KV) caller {
	value := payload()
	var count atomic.Int64
	return simple(func(ctx context.Context) error {
		_, err := client.Put(ctx, fmt.Sprint("key", count.Add(1)%1000), value)
		return err
	})
}

// answer measures as each line asks, as callers in Python do.
func answer(ctx context.Context, in io.Reader, out io.Writer, run measuring) error {
	asks, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var question asked
		if err := asks.Decode(&question); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("a question: %w", err)
		}
		var told answered
		got, err := run(ctx, question.Width, time.Duration(question.Seconds*float64(time.Second)))
		if told.sample = got; err != nil {
			told.Error = strings.TrimSpace(err.Error())
		}
		if err := answers.Encode(told); err != nil {
			return err
		}
	}
}
