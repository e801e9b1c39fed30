package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/internal/broker/storecore"
	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// A change that is too large for one transaction goes in steps:
//
//  1. The key "batch" of the scope is put, open. While it exists nobody else changes the scope.
//  2. The conditions of the change are checked; nothing can alter their outcome any more.
//  3. The parts are put under stage.
//  4. "batch" is put again, committed. From here on the change has happened: whoever meets the key finishes it.
//  5. The parts are put in place, a page at a time, each page with the deletion of its parts; the last one
//     deletes "batch". The view holds the pages back until then, and reads of variables finish a batch before they read.
//
// A batch that stays open for longer than giveUp, because its bridge was killed, is undone by whoever wants to go on.
const (
	// batchKeys and batchBytes bound a transaction, with room below etcd's 128 operations and 1.5 MiB.
	batchKeys  = 100
	batchBytes = 1 << 20
	// giveUp is for how long an open batch is waited for.
	giveUp = 5 * time.Second
	// lookAgain is the pause between two looks at somebody else's open batch.
	lookAgain = 10 * time.Millisecond
	// maxAttempts bounds how often a change is tried anew because another one came first.
	maxAttempts = 1000
)

// errOvertaken says that somebody gave up this batch because it took too long.
var errOvertaken = errors.New("the change took so long that another bridge gave it up")

// put is a key to write: with a record, or to delete.
type put struct {
	key    string
	record []byte
	gone   bool
}

func (p put) op() clientv3.Op {
	if p.gone {
		return clientv3.OpDelete(p.key)
	}
	return clientv3.OpPut(p.key, string(p.record))
}

func ops(puts []put) []clientv3.Op {
	all := make([]clientv3.Op, len(puts))
	for i, p := range puts {
		all[i] = p.op()
	}
	return all
}

// fits reports whether puts go into one transaction.
func fits(puts []put) bool { return page(puts) == len(puts) }

// page returns how many of puts go into one transaction: at least one.
func page(puts []put) int {
	size := 0
	for i, p := range puts {
		size += len(p.key) + len(p.record)
		if i > 0 && (i == batchKeys || size > batchBytes) {
			return i
		}
	}
	return len(puts)
}

// inSteps makes a change of any size under a scope. check is called when nobody else can change the scope any more and
// returns what to put; living says what must hold for the scope. It returns the revision of the commit.
func (s *Store) inSteps(ctx context.Context, at scope, living []condition, check func(context.Context) ([]put, error)) (int64, error) {
	id := strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // unique, not secret
	opened, err := s.openBatch(ctx, at, living, id)
	if err != nil {
		return 0, err
	}
	puts, err := check(ctx)
	if err == nil && len(puts) > 0 {
		err = s.stage(ctx, at, opened, id, puts)
	}
	if err != nil || len(puts) == 0 {
		if undone := s.abandon(context.WithoutCancel(ctx), at, opened); err == nil {
			err = undone
		}
		return 0, err
	}
	committed, err := s.putBatch(ctx, at, []condition{modifiedAt(at.batch(), opened)}, batchHeader{ID: id, Committed: true})
	if err != nil {
		return 0, err
	}
	if committed == 0 {
		return 0, s.unavailable(errOvertaken)
	}
	// It has happened: a caller that goes away now changes nothing, and whoever comes next would finish it.
	if err := s.settle(context.WithoutCancel(ctx), at); err != nil {
		return 0, err
	}
	return committed, nil
}

// openBatch puts the batch key, waiting for another's to be gone, and returns its revision.
func (s *Store) openBatch(ctx context.Context, at scope, living []condition, id string) (int64, error) {
	for range maxAttempts {
		opened, err := s.putBatch(ctx, at, append(living[:len(living):len(living)], absent(at.batch())), batchHeader{ID: id})
		if opened > 0 || err != nil {
			return opened, err
		}
		resp, err := s.read(ctx, clientv3.OpTxn(cmps(living), nil, nil))
		if err != nil {
			return 0, s.readError(ctx, err)
		}
		if !resp.Responses[0].GetResponseTxn().Succeeded {
			return 0, storecore.SessionNotFound(at.key)
		}
		if err := s.settle(ctx, at); err != nil {
			return 0, err
		}
	}
	return 0, s.contended(at)
}

// putBatch puts the batch key if conditions hold, and returns the revision at which it did, or 0.
func (s *Store) putBatch(ctx context.Context, at scope, when []condition, header batchHeader) (int64, error) {
	record, err := encode(header, nil)
	if err != nil {
		return 0, err
	}
	resp, err := s.commit(ctx, when, []clientv3.Op{clientv3.OpPut(at.batch(), string(record))})
	if err != nil {
		return 0, s.writeError(ctx, err)
	}
	if !resp.Succeeded {
		return 0, nil
	}
	return resp.Header.Revision, nil
}

// stage writes the parts of a batch, in order.
func (s *Store) stage(ctx context.Context, at scope, opened int64, id string, puts []put) error {
	staged := make([]put, len(puts))
	for i, p := range puts {
		record, err := encode(stageHeader{Key: []byte(p.key), Delete: p.gone}, p.record)
		if err != nil {
			return err
		}
		staged[i] = put{key: fmt.Sprintf("%s%s/%08d", at.stage(), id, i), record: record}
	}
	for len(staged) > 0 {
		n := page(staged)
		resp, err := s.commit(ctx, []condition{modifiedAt(at.batch(), opened)}, ops(staged[:n]))
		if err != nil {
			return s.writeError(ctx, err)
		}
		if !resp.Succeeded {
			return s.unavailable(errOvertaken)
		}
		staged = staged[n:]
	}
	return nil
}

// abandon undoes an open batch.
func (s *Store) abandon(ctx context.Context, at scope, opened int64) error {
	_, err := s.commit(ctx, []condition{modifiedAt(at.batch(), opened)}, []clientv3.Op{clientv3.OpDelete(at.batch()), deletePrefix(at.stage())})
	if err != nil {
		return s.writeError(ctx, err)
	}
	return nil
}

// settle returns when the scope has no batch any more: it finishes a committed one, and waits for an open one or, when that
// takes too long, undoes it.
func (s *Store) settle(ctx context.Context, at scope) error {
	return s.settleWithin(ctx, at, giveUp)
}

func (s *Store) settleWithin(ctx context.Context, at scope, patience time.Duration) error {
	var waited time.Duration
	var seen int64
	for range maxAttempts {
		header, revision, err := s.batch(ctx, at)
		if err != nil || revision == 0 {
			return err
		}
		if seen != revision {
			seen, waited = revision, 0
		}
		switch {
		case header.Committed:
			err = s.finish(ctx, at, header.ID, revision)
		case waited >= patience:
			err = s.abandon(ctx, at, revision)
		default:
			pause(ctx, lookAgain)
			waited += lookAgain
			err = s.entry(ctx)
		}
		if err != nil {
			return err
		}
	}
	return s.contended(at)
}

// batch reads the batch key; its revision is 0 if there is none.
func (s *Store) batch(ctx context.Context, at scope) (header batchHeader, revision int64, err error) {
	resp, err := s.read(ctx, clientv3.OpGet(at.batch()))
	if err != nil {
		return header, 0, s.readError(ctx, err)
	}
	kvs := resp.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 0 {
		return header, 0, nil
	}
	if _, err := decode(kvs[0].Value, &header); err != nil {
		return header, 0, s.unreadable(kvs[0], err)
	}
	return header, kvs[0].ModRevision, nil
}

// finish puts the parts of a committed batch in place. Others may do the same at once: a page is put only while its
// first part still stands, and pages go from the front.
func (s *Store) finish(ctx context.Context, at scope, id string, committed int64) error {
	prefix := at.stage() + id + "/"
	for {
		resp, err := s.read(ctx, clientv3.OpGet(prefix, clientv3.WithPrefix(), clientv3.WithLimit(batchKeys-1)))
		if err != nil {
			return s.readError(ctx, err)
		}
		staged := resp.Responses[0].GetResponseRange()
		when := []condition{modifiedAt(at.batch(), committed)}
		puts, err := s.parts(staged.Kvs)
		if err != nil {
			return err
		}
		n := page(puts)
		then := ops(puts[:n])
		if n > 0 {
			first, last := string(staged.Kvs[0].Key), string(staged.Kvs[n-1].Key)
			when = append(when, exists(first))
			then = append(then, clientv3.OpDelete(first, clientv3.WithRange(last+"\x00")))
		}
		last := n == len(puts) && !staged.More
		if last {
			then = append(then, clientv3.OpDelete(at.batch()))
		}
		done, err := s.commit(ctx, when, then)
		if err != nil {
			return s.writeError(ctx, err)
		}
		if last || !done.Succeeded {
			return nil
		}
	}
}

func (s *Store) parts(staged []*mvccpb.KeyValue) ([]put, error) {
	puts := make([]put, len(staged))
	for i, kv := range staged {
		var header stageHeader
		body, err := decode(kv.Value, &header)
		if err != nil {
			return nil, s.unreadable(kv, err)
		}
		puts[i] = put{key: string(header.Key), record: body, gone: header.Delete}
	}
	return puts, nil
}

func (s *Store) unreadable(kv *mvccpb.KeyValue, err error) error {
	return tool.Errorf(tool.StoreUnavailable, "the record %q in the store at %s cannot be read: %w", kv.Key, s.place, err)
}

func (s *Store) contended(at scope) error {
	return tool.Errorf(tool.StoreUnavailable, "too many changes of %q come at once: try again", at.path)
}
