package etcdstore

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// plain is a transaction that writes single keys, without leases.
type plain struct {
	when []condition
	then []put
	// look are keys of which is told what stands there if a condition does not hold.
	look []string
}

// outcome is what came of one.
type outcome struct {
	succeeded bool
	revision  int64
	// found is what stands at each of the keys to look at, nil where nothing does.
	found []*mvccpb.KeyValue
}

// commitPlain commits one.
func (s *Store) commitPlain(ctx context.Context, p *plain) (outcome, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	var resp *pb.TxnResponse
	var err error
	if s.embedded != nil {
		resp, err = s.embedded.commit(ctx, p.request())
	} else {
		resp, err = agreed(s.client.Txn(ctx).If(cmps(p.when)...).Then(ops(p.then)...).Else(gets(p.look)...).Commit())
	}
	if err != nil {
		return outcome{}, err
	}
	s.succeeded()
	return outcomeOf(resp, resp.GetHeader().GetRevision()), nil
}

// commitEach commits several in one transaction: each holds or not by itself.
func (s *Store) commitEach(ctx context.Context, members []*member) ([]outcome, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	var resp *pb.TxnResponse
	var err error
	if s.embedded != nil {
		resp, err = s.embedded.commit(ctx, requestOfEach(members))
	} else {
		each := make([]clientv3.Op, len(members))
		for i, m := range members {
			each[i] = clientv3.OpTxn(cmps(m.when), ops(m.then), gets(m.look))
		}
		resp, err = agreed(s.client.Txn(ctx).Then(each...).Commit())
	}
	if err != nil {
		return nil, err
	}
	s.succeeded()
	all := make([]outcome, len(members))
	for i := range all {
		all[i] = outcomeOf(resp.Responses[i].GetResponseTxn(), resp.GetHeader().GetRevision())
	}
	return all, nil
}

func agreed(resp *clientv3.TxnResponse, err error) (*pb.TxnResponse, error) {
	return (*pb.TxnResponse)(resp), err
}

func outcomeOf(resp *pb.TxnResponse, revision int64) outcome {
	o := outcome{succeeded: resp.GetSucceeded(), revision: revision}
	if o.succeeded {
		return o
	}
	o.found = make([]*mvccpb.KeyValue, len(resp.GetResponses()))
	for i, one := range resp.GetResponses() {
		o.found[i] = only(one.GetResponseRange().GetKvs())
	}
	return o
}

// commit asks this etcd directly: its client would copy each condition several times.
func (e *embedded) commit(ctx context.Context, request *pb.TxnRequest) (*pb.TxnResponse, error) {
	resp, err := e.kv.Txn(ctx, request)
	if err != nil {
		return nil, clientv3.ContextError(ctx, err)
	}
	return resp, nil
}

func (p *plain) request() *pb.TxnRequest {
	return &pb.TxnRequest{Compare: compares(p.when), Success: writing(p.then), Failure: looking(p.look)}
}

func requestOfEach(members []*member) *pb.TxnRequest {
	each := make([]*pb.RequestOp, len(members))
	for i, m := range members {
		each[i] = &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{RequestTxn: m.request()}}
	}
	return &pb.TxnRequest{Success: each}
}

// compares are conditions as etcd takes them: those of a group, so they share their memory.
func compares(when []condition) []*pb.Compare {
	type room struct {
		pb.Compare
		created  pb.Compare_CreateRevision
		modified pb.Compare_ModRevision
	}
	rooms, all := make([]room, len(when)), make([]*pb.Compare, len(when))
	for i := range when {
		c, r := &when[i], &rooms[i]
		r.Key, r.Target, r.Result = []byte(c.key), c.target, c.result
		if c.target == pb.Compare_MOD {
			r.modified.ModRevision, r.TargetUnion = c.revision, &r.modified
		} else {
			r.created.CreateRevision, r.TargetUnion = c.revision, &r.created
		}
		all[i] = &r.Compare
	}
	return all
}

func writing(puts []put) []*pb.RequestOp {
	type room struct {
		pb.RequestOp
		pb.RequestOp_RequestPut
		pb.PutRequest
	}
	rooms, all := make([]room, len(puts)), make([]*pb.RequestOp, len(puts))
	for i := range puts {
		p, r := &puts[i], &rooms[i]
		all[i] = &r.RequestOp
		if p.gone {
			r.RequestOp.Request = &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: &pb.DeleteRangeRequest{Key: []byte(p.key)}}
			continue
		}
		r.PutRequest.Key, r.PutRequest.Value = []byte(p.key), p.record
		r.RequestOp_RequestPut.RequestPut = &r.PutRequest
		r.RequestOp.Request = &r.RequestOp_RequestPut
	}
	return all
}

func looking(keys []string) []*pb.RequestOp {
	all := make([]*pb.RequestOp, len(keys))
	for i, key := range keys {
		all[i] = &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte(key)}}}
	}
	return all
}

func gets(keys []string) []clientv3.Op {
	all := make([]clientv3.Op, len(keys))
	for i, key := range keys {
		all[i] = clientv3.OpGet(key)
	}
	return all
}
