package etcdstore

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// commitPlain is commit for operations on single keys without leases and for such transactions among them. An embedded etcd is
// asked directly: its client would copy each condition several times.
func (s *Store) commitPlain(ctx context.Context, when []clientv3.Cmp, then, otherwise []clientv3.Op) (*clientv3.TxnResponse, error) {
	if s.embedded == nil {
		return s.commit(ctx, when, then, otherwise)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	resp, err := s.embedded.kv.Txn(ctx, plainTxn(when, then, otherwise))
	if err != nil {
		return nil, clientv3.ContextError(ctx, err)
	}
	s.succeeded()
	return (*clientv3.TxnResponse)(resp), nil
}

func plainTxn(when []clientv3.Cmp, then, otherwise []clientv3.Op) *pb.TxnRequest {
	request := &pb.TxnRequest{Compare: make([]*pb.Compare, len(when)), Success: plainOps(then), Failure: plainOps(otherwise)}
	for i := range when {
		request.Compare[i] = when[i].GetCompare()
	}
	return request
}

func plainOps(ops []clientv3.Op) []*pb.RequestOp {
	requests := make([]*pb.RequestOp, len(ops))
	for i := range ops {
		requests[i] = plainOp(&ops[i])
	}
	return requests
}

func plainOp(op *clientv3.Op) *pb.RequestOp {
	switch {
	case op.IsTxn():
		return &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{RequestTxn: plainTxn(op.Txn())}}
	case op.IsPut():
		return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: op.KeyBytes(), Value: op.ValueBytes()}}}
	case op.IsDelete():
		return &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: &pb.DeleteRangeRequest{Key: op.KeyBytes()}}}
	default:
		return &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: op.KeyBytes(), CountOnly: op.IsCountOnly()}}}
	}
}
