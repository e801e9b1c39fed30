package broker

import (
	"strconv"
	"strings"
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// CallState says how far a call is.
type CallState uint8

// The states of calls. The zero CallState stands for any.
const (
	// CallQueued calls are looked up or wait for a host.
	CallQueued CallState = iota + 1
	// CallRunning calls were given to a host.
	CallRunning
	// CallDone calls have ended, and what became of them is known.
	CallDone
	// CallOutcomeUnknown calls have ended after they were given to a host, and what became of them is not known.
	CallOutcomeUnknown
)

// String is the state as programs read it.
func (s CallState) String() string {
	switch s {
	case CallQueued:
		return "queued"
	case CallRunning:
		return "running"
	case CallDone:
		return "done"
	case CallOutcomeUnknown:
		return "outcome_unknown"
	default:
		return "any"
	}
}

// CallInfo is a call as operators see it: none of its values.
type CallInfo struct {
	// ID is the broker's own name of the call, unique also among brokers and their runs.
	ID string
	// RequestID or, of a stream, StreamID, as the caller gave it; may be empty.
	RequestID string
	// Session in which it is made.
	Session string
	// Tool is the tool's id, or what the caller asked for where there is none.
	Tool string
	// State now.
	State CallState
	// Phase is how far it is, or was when it ended: "routing", "queued", "running" or "streaming".
	Phase string
	// StartedAt is when it arrived.
	StartedAt time.Time
	// Metrics of a call that has not ended are Duration, Worker and Attempts so far.
	Metrics tool.Metrics
	// Depth is how many calls it is nested in.
	Depth int
	// Parent is the ID of the call during which it was made; empty for none.
	Parent string
	// Stream says that its caller wants chunks.
	Stream bool
	// Error is the code of why it failed; empty where it did not.
	Error tool.Code
}

// CallFilter says which calls are wanted. A zero field stands for all.
type CallFilter struct {
	// Session in which they are made.
	Session string
	// Tool is the tool's id.
	Tool string
	// RequestID or StreamID.
	RequestID string
	// State that they have.
	State CallState
}

// CallPage is a part of a listing.
type CallPage struct {
	// Calls in the order in which they arrived, the last first.
	Calls []CallInfo
	// Next continues the listing; empty on its last page.
	Next string
}

// CallName names one call: by its ID, or by session and request id, where the newest of several is meant.
type CallName struct {
	// ID is CallInfo.ID.
	ID string
	// Session and RequestID are looked at where ID is empty.
	Session string
	// RequestID or StreamID.
	RequestID string
}

// Bounds on a page of calls.
const (
	defaultCalls = 100
	maxCalls     = 1000
)

// Calls lists a principal's calls that are under way or ended lately, the last that arrived first: at most limit (0 means
// 100; at most 1,000) of those behind the page that ended with after.
func (b *Broker) Calls(p tool.Principal, filter CallFilter, after string, limit int) (CallPage, error) {
	limit, err := pageSize(limit, defaultCalls, maxCalls)
	if err != nil {
		return CallPage{}, err
	}
	q := callQuery{owner: p.Name, filter: filter, before: ^uint64(0), limit: limit + 1}
	if after != "" {
		number, known := b.callNumber(after)
		if !known {
			return CallPage{}, tool.Errorf(tool.ValidationError, "the page token %.80q is not of this run of the bridge: list from the beginning", after).With("field", "page_token")
		}
		q.before = number
	}
	found := b.scheduler.find(&q)
	page := CallPage{Calls: make([]CallInfo, 0, min(len(found), limit))}
	for i := range found {
		if i == limit {
			page.Next = page.Calls[limit-1].ID
			break
		}
		page.Calls = append(page.Calls, found[i].info(b))
	}
	return page, nil
}

// FindCall tells of one call. Errors: CallNotFound, ValidationError.
func (b *Broker) FindCall(p tool.Principal, name CallName) (CallInfo, error) {
	q, err := b.queryOf(p, name)
	if err != nil {
		return CallInfo{}, err
	}
	found := b.scheduler.find(q)
	if len(found) == 0 {
		return CallInfo{}, noCall(name, "it never was, or ended too long ago to be remembered; list the calls there are")
	}
	return found[0].info(b), nil
}

// CancelCall cancels a call that is under way, for an operator: its caller hears Cancelled. Errors: CallNotFound, ValidationError.
func (b *Broker) CancelCall(p tool.Principal, name CallName) error {
	q, err := b.queryOf(p, name)
	if err != nil {
		return err
	}
	r, number := b.scheduler.findRun(q)
	if r == nil {
		if found := b.scheduler.find(q); len(found) > 0 {
			return noCall(name, "it has ended already").With("state", found[0].info(b).State.String())
		}
		return noCall(name, "it never was, or ended long ago; list the calls there are")
	}
	id := b.CallID(number)
	r.cancel(tool.Errorf(tool.Cancelled, "an operator cancelled the call %s of tool %q", id, r.asked.Tool).With("call_id", id).With("cancelled_by", "operator"))
	return nil
}

func noCall(name CallName, why string) *tool.Error {
	if name.ID != "" {
		return tool.Errorf(tool.CallNotFound, "call %.80q does not run: %s", name.ID, why).With("call_id", shortened(name.ID))
	}
	return tool.Errorf(tool.CallNotFound, "no call %.80q runs in session %.80q: %s", name.RequestID, name.Session, why).
		With("request_id", shortened(name.RequestID)).With("session", shortened(name.Session))
}

func shortened(s string) string { return strings.ToValidUTF8(s[:min(len(s), tool.MaxNameBytes)], "") }

// CallID is CallInfo.ID of a call whose Number the broker has set; empty for 0.
func (b *Broker) CallID(number uint64) string {
	if number == 0 {
		return ""
	}
	return b.run[:8] + "-" + strconv.FormatUint(number, 10)
}

// callNumber reverses CallID. It answers false for what this run has not made.
func (b *Broker) callNumber(id string) (uint64, bool) {
	text, ours := strings.CutPrefix(id, b.run[:8]+"-")
	number, err := strconv.ParseUint(text, 10, 64)
	return number, ours && err == nil && number > 0
}

func (b *Broker) queryOf(p tool.Principal, name CallName) (*callQuery, error) {
	q := &callQuery{owner: p.Name, before: ^uint64(0), limit: 1}
	switch {
	case name.ID != "":
		number, ours := b.callNumber(name.ID)
		if !ours {
			return nil, noCall(name, "it never was, or is of an earlier run of the bridge; list the calls there are")
		}
		q.number = number
	case name.Session == "" || name.RequestID == "":
		return nil, tool.Errorf(tool.ValidationError, "no call is named: give a call id, or a session and a request id").With("field", "call_id")
	default:
		q.filter = CallFilter{Session: name.Session, RequestID: name.RequestID}
	}
	return q, nil
}
