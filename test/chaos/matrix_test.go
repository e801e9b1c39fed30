package chaos

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge"
)

// callSeconds is how long a call may take while the wire is broken, beforeSeconds one that begins before: it must have begun by then, on a busy
// machine too. mendedSeconds is for those once it is mended: what it takes to connect anew, and then some.
const (
	callSeconds   = 1.5
	beforeSeconds = 4.0
	mendedSeconds = 30.0
)

// verbsPatience is how long everything together may take: the verbs of the Python SDK up to 30 s each.
const verbsPatience = 100 * time.Second

// TestEveryCallEndsAndTheNextOneWorks breaks one hop after the other in every way, and asks everything meanwhile.
func TestEveryCallEndsAndTheNextOneWorks(t *testing.T) {
	processes(t)
	bridge := startBridge(t)
	for _, h := range []hop{
		{name: "go callers to the bridge", language: "go", callers: true},
		{name: "python callers to the bridge", language: "python", callers: true},
		{name: "the bridge to a go worker", language: "go"},
		{name: "the bridge to a python worker", language: "python"},
	} {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, bridge, h)
			for i, f := range faults() {
				t.Run(f.name, func(t *testing.T) { s.act(t, fmt.Sprintf("%s-%d", h.prefix(), i), f) })
			}
		})
	}
}

// hop is the part of the way that is broken.
type hop struct {
	name string
	// language of whoever stands at its end.
	language string
	// callers says that these are the callers; otherwise it is the worker.
	callers bool
}

// prefix is unique among the hops.
func (h hop) prefix() string {
	if h.callers {
		return h.language + "_from"
	}
	return h.language + "_to"
}

// scene is a bridge with callers and a worker, and the wire that is broken.
type scene struct {
	hop     hop
	wire    *wire
	callers []caller
	// steady reaches the bridge over a wire that nobody breaks.
	steady *toolbridge.Session
	known  map[string]bool
}

func newScene(t *testing.T, bridge string, h hop) *scene {
	t.Helper()
	s := &scene{hop: h, wire: newWire(t, bridge), known: codes(t)}
	callersAt, workerAt := s.wire.address(), bridge
	if !h.callers {
		callersAt, workerAt = bridge, s.wire.address()
	}
	startWorker(t, h, workerAt)
	s.steady = newGoCaller(t, h.prefix()+"-steady", bridge, link).session
	if h.language == "go" || !h.callers {
		s.callers = append(s.callers, newGoCaller(t, h.prefix()+"-go", callersAt, link))
	}
	if h.language == "python" || !h.callers {
		s.callers = append(s.callers, newPyCaller(t, h.prefix()+"-python", callersAt, link))
	}
	if h.callers { // plain RPCs have connections of their own
		if h.language == "go" {
			s.callers = append(s.callers, newGoCaller(t, h.prefix()+"-go-plain", callersAt, plain))
		} else {
			s.callers = append(s.callers, newPyCaller(t, h.prefix()+"-python-plain", callersAt, plain))
		}
	}
	return s
}

// startWorker starts a worker with tools of its own. That of a hop of callers is one in Go.
func startWorker(t *testing.T, h hop, address string) {
	t.Helper()
	cmd := itself(t, "worker", address, h.prefix())
	if h.language == "python" && !h.callers {
		cmd = python(t, "worker.py", address, h.prefix())
	}
	start(t, h.prefix()+" worker", nil, cmd).await("ready")
}

// act breaks the wire while streams run, asks everything, mends it, and asks everything again.
func (s *scene) act(t *testing.T, name string, f fault) {
	t.Helper()
	before := question{name + "-before", []kind{stream, once}, s.hop.prefix(), beforeSeconds}
	running := s.ask(t, before)
	running.awaitStreams(t)

	s.wire.suffer(t, f)
	during := question{name + "-during", kinds(), s.hop.prefix(), callSeconds}
	if f.harmless {
		during.Seconds = mendedSeconds
	}
	asked := s.ask(t, during)
	asked.await(t, f.awaited)

	s.wire.mend(t, f)
	rounds := []*round{running, asked}
	if f.closes() { // what is sent in that moment is lost with its connection
		rounds = append(rounds, s.ask(t, question{name + "-probe", []kind{unary}, s.hop.prefix(), mendedSeconds}))
		rounds[2].await(t, everything)
	}
	if !s.hop.callers {
		s.awaitWorker(t)
	}
	after := question{name + "-after", kinds(), s.hop.prefix(), mendedSeconds}
	mended := s.ask(t, after)
	for _, r := range append(rounds, mended) {
		r.await(t, everything)
	}

	var wrong []string
	for _, o := range running.ended {
		if chunks, is := o.Value.([]any); is && len(chunks) == 0 {
			wrong = append(wrong, "what came before did not stay with the caller: "+o.String())
		}
	}
	for _, r := range rounds {
		wrong = append(wrong, s.wrong("", r.ended, f.harmless && r != running)...)
	}
	wrong = append(wrong, s.wrong("after it was mended: ", mended.ended, true)...)
	require.Empty(t, wrong)
	s.ranOnce(t, before, during, after)
}

// wrong says what is wrong with outcomes, and if all should have succeeded, which did not.
func (s *scene) wrong(when string, ended []outcome, succeed bool) []string {
	var wrong []string
	for _, o := range ended {
		if fault := o.fault(s.known); fault != "" {
			wrong = append(wrong, when+fault+": "+o.String())
		}
		if succeed && !o.succeeded() {
			wrong = append(wrong, when+"it should succeed: "+o.String())
		}
	}
	return wrong
}

// ranOnce looks at the worker itself whether it was asked twice for the same.
func (s *scene) ranOnce(t *testing.T, asked ...question) {
	t.Helper()
	for _, q := range asked {
		for i := range s.callers {
			runs, err := toolbridge.Call[int](t.Context(), s.steady, s.hop.prefix()+"_runs", q.of(i))
			require.NoError(t, err)
			require.LessOrEqual(t, runs, 1, q.of(i))
		}
	}
}

// awaitWorker waits until the worker has attached again, by itself.
func (s *scene) awaitWorker(t *testing.T) {
	t.Helper()
	eventually(t, "the worker attaches again", func() bool {
		_, err := toolbridge.Call[string](t.Context(), s.steady.With(toolbridge.Timeout(time.Second)), s.hop.prefix()+"_echo", "again")
		return err == nil
	})
}

// round is a question to all callers of a scene.
type round struct {
	asked []<-chan outcome
	want  []kind
	ended []outcome
	// began counts the streams that have begun or ended.
	began int
}

func (s *scene) ask(t *testing.T, q question) *round {
	t.Helper()
	r := &round{}
	for i, c := range s.callers {
		own := q
		own.Name = q.of(i)
		r.asked = append(r.asked, c.ask(t, own))
		r.want = append(r.want, q.Kinds...)
	}
	return r
}

// awaitStreams waits until every stream has begun.
func (r *round) awaitStreams(t *testing.T) {
	t.Helper()
	eventually(t, "the streams begin", func() bool {
		r.collect()
		return r.began >= len(r.asked)
	})
}

// everything may be waited for, and calls: what keeps a deadline of its caller's. The verbs of the Python SDK have one of
// their own.
func everything(kind) bool { return true }

func calls(k kind) bool { return k != variable && k != session }

// await waits until all that are wanted have ended.
func (r *round) await(t *testing.T, wanted func(kind) bool) {
	t.Helper()
	want := 0
	for _, k := range r.want {
		if wanted(k) {
			want++
		}
	}
	for deadline := time.Now().Add(verbsPatience); ; <-time.After(tick) {
		r.collect()
		have := 0
		for _, o := range r.ended {
			if wanted(o.Kind) {
				have++
			}
		}
		if have == want {
			return
		}
		if time.Now().After(deadline) {
			require.FailNow(t, "calls do not end", "%d of %d ended: %v", have, want, r.ended)
		}
	}
}

// collect takes what was told.
func (r *round) collect() {
	for _, told := range r.asked {
		for range len(told) {
			o := <-told
			if o.Kind == stream && (o.Began || len(o.Value.([]any)) == 0) {
				r.began++
			}
			if !o.Began {
				r.ended = append(r.ended, o)
			}
		}
	}
}
