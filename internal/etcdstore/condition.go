package etcdstore

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// condition is what a transaction demands of one key.
type condition struct {
	key    string
	target pb.Compare_CompareTarget // when it was created, or last written
	result pb.Compare_CompareResult
	// revision is 0 for a key that is not there.
	revision int64
}

func exists(key string) condition {
	return condition{key: key, target: pb.Compare_CREATE, result: pb.Compare_GREATER}
}

func absent(key string) condition { return createdAt(key, 0) }

func createdAt(key string, revision int64) condition {
	return condition{key, pb.Compare_CREATE, pb.Compare_EQUAL, revision}
}

func modifiedAt(key string, revision int64) condition {
	return condition{key, pb.Compare_MOD, pb.Compare_EQUAL, revision}
}

// cmps are conditions for etcd's client.
func cmps(when []condition) []clientv3.Cmp {
	all := make([]clientv3.Cmp, len(when))
	for i, c := range when {
		of, result := clientv3.CreateRevision(c.key), "="
		if c.target == pb.Compare_MOD {
			of = clientv3.ModRevision(c.key)
		}
		if c.result == pb.Compare_GREATER {
			result = ">"
		}
		all[i] = clientv3.Compare(of, result, c.revision)
	}
	return all
}
