package etcdstore

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker"
	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

const (
	// variablePage is how many variables, each with its value of up to 1 MiB, are read at once.
	variablePage = 64
	// guardedAttempts is how often an unconditional write insists on nobody writing between its look for a repetition and
	// itself; after that it takes its turn, whoever wrote in between.
	guardedAttempts = 8
)

// stored is a variable as it stands in etcd.
type stored struct {
	variable tool.Variable
	request  string
	write    uint64
	revision int64
}

// current returns what the rules of storecore want to see.
func (v *stored) current() (*tool.Variable, string) {
	if v == nil {
		return nil, ""
	}
	return &v.variable, v.request
}

func (s *Store) decodeVariable(prefix string, kv *mvccpb.KeyValue) (*stored, error) {
	var header variableHeader
	body, err := decode(kv.Value, &header)
	if err != nil {
		return nil, s.unreadable(kv, err)
	}
	return &stored{
		variable: tool.Variable{
			Name:      strings.TrimPrefix(string(kv.Key), prefix),
			Value:     tool.Value{TypeURL: header.TypeURL, Bytes: body},
			Metadata:  header.Metadata,
			Revision:  s.generation.Token(kv.ModRevision),
			UpdatedAt: time.Unix(0, header.Updated),
		},
		request:  header.Request,
		write:    header.Write,
		revision: kv.ModRevision,
	}, nil
}

// reading are the operations at the head of every read of variables: whether the session lives, and whether a batch
// must be finished before what is read means anything.
func (s *Store) reading(key tool.SessionKey, more ...clientv3.Op) []clientv3.Op {
	at := s.keys.session(key)
	return append([]clientv3.Op{clientv3.OpGet(at.record(), clientv3.WithCountOnly()), clientv3.OpGet(at.batch())}, more...)
}

// readVariables runs reads of a session's variables at one revision at which no committed batch is under way.
func (s *Store) readVariables(ctx context.Context, key tool.SessionKey, more ...clientv3.Op) (*clientv3.TxnResponse, error) {
	for range maxAttempts {
		resp, err := s.read(ctx, s.reading(key, more...)...)
		if err != nil {
			return nil, s.readError(ctx, err)
		}
		if resp.Responses[0].GetResponseRange().Count == 0 {
			return nil, storecore.SessionNotFound(key)
		}
		kv := only(resp.Responses[1].GetResponseRange().Kvs)
		if kv == nil {
			return resp, nil
		}
		var header batchHeader
		if _, err := decode(kv.Value, &header); err != nil {
			return nil, s.unreadable(kv, err)
		}
		if !header.Committed {
			return resp, nil
		}
		if err := s.finish(ctx, s.keys.session(key), header.ID, kv.ModRevision); err != nil {
			return nil, err
		}
	}
	return nil, s.contended(s.keys.session(key))
}

// Variable reads a variable, linearizably.
func (s *Store) Variable(ctx context.Context, key tool.SessionKey, name string) (tool.Variable, error) {
	if err := s.entry(ctx); err != nil {
		return tool.Variable{}, err
	}
	prefix := s.keys.variables(key)
	resp, err := s.readVariables(ctx, key, clientv3.OpGet(prefix+name))
	if err != nil {
		return tool.Variable{}, err
	}
	kv := only(resp.Responses[2].GetResponseRange().Kvs)
	if kv == nil {
		return tool.Variable{}, storecore.VariableNotFound(key, name)
	}
	found, err := s.decodeVariable(prefix, kv)
	if err != nil {
		return tool.Variable{}, err
	}
	return found.variable, nil
}

// Variables lists variables in the order of their names, all as they were at one moment.
func (s *Store) Variables(ctx context.Context, key tool.SessionKey, prefix, after string, limit int, values bool) ([]tool.Variable, error) {
	if err := s.entry(ctx); err != nil {
		return nil, err
	}
	all := s.keys.variables(key)
	from, end := all+prefix, clientv3.GetPrefixRangeEnd(all+prefix)
	if next := all + after + "\x00"; after != "" && next > from {
		from = next
	}
	listed := []tool.Variable{}
	var revision int64
	for len(listed) < limit && from < end {
		page := clientv3.OpGet(from, clientv3.WithRange(end), clientv3.WithLimit(int64(min(variablePage, limit-len(listed)))), clientv3.WithRev(revision))
		resp, err := s.readVariables(ctx, key, page)
		if err != nil {
			return nil, err
		}
		if revision == 0 {
			revision = resp.Header.Revision
		}
		found := resp.Responses[2].GetResponseRange()
		for _, kv := range found.Kvs {
			one, err := s.decodeVariable(all, kv)
			if err != nil {
				return nil, err
			}
			if !values {
				one.variable = storecore.WithoutValue(one.variable)
			}
			listed = append(listed, one.variable)
		}
		if !found.More {
			break
		}
		from = string(found.Kvs[len(found.Kvs)-1].Key) + "\x00"
	}
	if revision == 0 {
		_, err := s.readVariables(ctx, key)
		return listed, err
	}
	return listed, nil
}

// DeleteVariable deletes a variable.
func (s *Store) DeleteVariable(ctx context.Context, key tool.SessionKey, name string, cond broker.Condition) error {
	if err := s.entry(ctx); err != nil {
		return err
	}
	at, full := s.keys.session(key), s.keys.variables(key)+name
	for range maxAttempts {
		states, err := s.states(ctx, key, []string{name})
		if err != nil {
			return err
		}
		found := states[name]
		if found == nil {
			return storecore.VariableNotFound(key, name)
		}
		if err := storecore.Check(name, cond, &found.variable); err != nil {
			return err
		}
		done, err := s.commitGrouped(ctx, &plain{
			when: []condition{exists(at.record()), absent(at.batch()), modifiedAt(full, found.revision)},
			then: []put{{key: full, gone: true}},
		})
		if err != nil {
			return s.writeError(ctx, err)
		}
		if done.succeeded {
			s.last.forget(variableAt{key, s.remembered(key), name})
			return nil
		}
		if err := s.settle(ctx, at); err != nil {
			return err
		}
	}
	return s.contended(at)
}

// states reads variables of a living session by name; those that do not exist are missing from the answer.
func (s *Store) states(ctx context.Context, key tool.SessionKey, names []string) (map[string]*stored, error) {
	return s.look(key, names, func(gets []clientv3.Op) ([]*pb.ResponseOp, error) {
		resp, err := s.readVariables(ctx, key, gets...)
		if err != nil {
			return nil, err
		}
		return resp.Responses[2:], nil
	})
}

// glance is states without a look at the session, which may have ended or be under a committed batch.
func (s *Store) glance(ctx context.Context, key tool.SessionKey, names []string) (map[string]*stored, error) {
	return s.look(key, names, func(gets []clientv3.Op) ([]*pb.ResponseOp, error) {
		resp, err := s.read(ctx, gets...)
		if err != nil {
			return nil, err
		}
		return resp.Responses, nil
	})
}

// look reads variables by name, a page at a time.
func (s *Store) look(key tool.SessionKey, names []string, read func([]clientv3.Op) ([]*pb.ResponseOp, error)) (map[string]*stored, error) {
	prefix := s.keys.variables(key)
	found := make(map[string]*stored, len(names))
	for len(names) > 0 {
		n := min(len(names), variablePage)
		gets := make([]clientv3.Op, n)
		for i, name := range names[:n] {
			gets[i] = clientv3.OpGet(prefix + name)
		}
		answers, err := read(gets)
		if err != nil {
			return nil, err
		}
		for _, one := range answers {
			kv := only(one.GetResponseRange().Kvs)
			if kv == nil {
				continue
			}
			state, err := s.decodeVariable(prefix, kv)
			if err != nil {
				return nil, err
			}
			found[state.variable.Name] = state
		}
		names = names[n:]
	}
	return found, nil
}

// write is one variable to be written.
type write struct {
	broker.VariableWrite
	put put
	id  uint64
}

func (s *Store) writes(key tool.SessionKey, wanted []broker.VariableWrite, now time.Time) ([]write, error) {
	prefix := s.keys.variables(key)
	all := make([]write, len(wanted))
	for i, w := range wanted {
		id := rand.Uint64() //nolint:gosec // unique, not secret
		header := variableHeader{TypeURL: w.Value.TypeURL, Metadata: w.Metadata, Updated: now.UnixNano(), Request: w.RequestID, Write: id}
		record, err := encodeVariable(&header, w.Value.Bytes)
		if err != nil {
			return nil, err
		}
		all[i] = write{VariableWrite: w, put: put{key: prefix + w.Name, record: record}, id: id}
	}
	return all, nil
}
