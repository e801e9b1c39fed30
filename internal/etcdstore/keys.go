package etcdstore

import (
	"net/url"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// keys says where everything lies. Owners, session and tool ids are escaped, so no name can leave its place;
// variables and agents are the last part of their keys and stand there as they are, so that they sort by name.
//
//	<prefix>store                                 generation and format of the data
//	<prefix>view/session/<owner>/<id>/record      a session; rewritten with every change of its tools
//	<prefix>view/session/<owner>/<id>/alive       when it was last used, once that is later than its creation
//	<prefix>view/session/<owner>/<id>/batch       a change in several steps that is under way
//	<prefix>view/session/<owner>/<id>/tool/<tool> a tool of it
//	<prefix>view/shared/{record,batch,tool/…}     the same for the tools that are offered to every session
//	<prefix>variable/<owner>/<id>/<name>          a variable
//	<prefix>agent/<owner>/<id>/<agent>            an agent
//	<prefix>stage/…/<batch>/<n>                   one part of a change in several steps
//	<prefix>tombstone/<owner>/<id>                the end of a session, under a lease
//
// Everything under view is held in memory by each bridge and watched.
type keys struct{ prefix string }

const (
	viewPath   = "view/"
	leafRecord = "record"
	leafAlive  = "alive"
	leafBatch  = "batch"
	leafTool   = "tool/"
)

func (k keys) store() string { return k.prefix + "store" }
func (k keys) probe() string { return k.prefix + "probe" }
func (k keys) view() string  { return k.prefix + viewPath }
func (k keys) shared() scope { return scope{keys: k, path: "shared/", shared: true} }
func (k keys) session(key tool.SessionKey) scope {
	return scope{keys: k, path: "session/" + url.PathEscape(key.Owner) + "/" + url.PathEscape(key.ID) + "/", key: key}
}

func sessionPath(key tool.SessionKey) string {
	return url.PathEscape(key.Owner) + "/" + url.PathEscape(key.ID) + "/"
}

func (k keys) variables(key tool.SessionKey) string { return k.prefix + "variable/" + sessionPath(key) }
func (k keys) agents(key tool.SessionKey) string    { return k.prefix + "agent/" + sessionPath(key) }
func (k keys) tombstone(key tool.SessionKey) string {
	return k.prefix + "tombstone/" + url.PathEscape(key.Owner) + "/" + url.PathEscape(key.ID)
}

// scope is what has tools and can be changed in several steps: a session, or what is shared by all.
type scope struct {
	keys   keys
	path   string
	key    tool.SessionKey
	shared bool
}

func (s scope) prefix() string        { return s.leaf("") }
func (s scope) record() string        { return s.leaf(leafRecord) }
func (s scope) alive() string         { return s.leaf(leafAlive) }
func (s scope) batch() string         { return s.leaf(leafBatch) }
func (s scope) tools() string         { return s.leaf(leafTool) }
func (s scope) leaf(l string) string  { return s.keys.prefix + viewPath + s.path + l }
func (s scope) tool(id string) string { return s.tools() + url.PathEscape(id) }
func (s scope) stage() string         { return s.keys.prefix + "stage/" + s.path }

// parse splits a key under view into its scope and leaf. A key that this version does not know is not ok.
func (k keys) parse(full string) (at scope, leaf string, ok bool) {
	path, found := strings.CutPrefix(full, k.view())
	if !found {
		return scope{}, "", false
	}
	if leaf, found = strings.CutPrefix(path, "shared/"); found {
		return k.shared(), leaf, true
	}
	if path, found = strings.CutPrefix(path, "session/"); !found {
		return scope{}, "", false
	}
	escapedOwner, path, _ := strings.Cut(path, "/")
	escapedID, leaf, found := strings.Cut(path, "/")
	owner, badOwner := url.PathUnescape(escapedOwner)
	id, badID := url.PathUnescape(escapedID)
	if !found || badOwner != nil || badID != nil {
		return scope{}, "", false
	}
	at = scope{keys: k, path: full[len(k.view()) : len(full)-len(leaf)], key: tool.SessionKey{Owner: owner, ID: id}}
	return at, leaf, true
}

// toolID returns the id of the tool that a leaf names.
func toolID(leaf string) (id string, ok bool) {
	escaped, found := strings.CutPrefix(leaf, leafTool)
	if !found {
		return "", false
	}
	id, err := url.PathUnescape(escaped)
	return id, err == nil
}

func deletePrefix(prefix string) clientv3.Op { return clientv3.OpDelete(prefix, clientv3.WithPrefix()) }

func countPrefix(prefix string) clientv3.Op {
	return clientv3.OpGet(prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
}
