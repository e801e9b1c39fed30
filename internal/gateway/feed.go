package gateway

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// feed writes a stream of documents, one a line or as server-sent events. It begins with the first document or
// heartbeat, so that what fails before can still be answered with a status.
type feed struct {
	w      http.ResponseWriter
	kind   string // ndjsonType or eventsType
	cancel context.CancelFunc

	mu     sync.Mutex // held while something is written
	begun  bool
	broken error
	last   time.Time
}

// newFeed makes a feed of a kind, which says by heartbeats that it lives. When the client does not read any more it
// calls cancel. The caller calls stop, once or more, before it returns.
func (g *Gateway) newFeed(w http.ResponseWriter, kind string, cancel context.CancelFunc) (f *feed, stop func()) {
	f = &feed{w: w, kind: kind, cancel: cancel, last: time.Now()}
	ticker := time.NewTicker(g.config.Heartbeat)
	end := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				f.beat(g.config.Heartbeat)
			}
		}
	})
	return f, sync.OnceFunc(func() {
		ticker.Stop()
		close(end)
		beating.Wait()
	})
}

// beat writes a heartbeat if nothing was written for so long. While something is being written there is no need.
func (f *feed) beat(idle time.Duration) {
	if !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	if time.Since(f.last) < idle/2 {
		return
	}
	if f.kind == eventsType {
		f.write([]byte(": heartbeat\n\n"))
		return
	}
	f.write([]byte(`{"heartbeat":true}` + "\n"))
}

// send writes a document. The name and the place are those of a server-sent event.
func (f *feed) send(name string, place uint64, document any) error {
	text, err := encode(document)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kind != eventsType {
		f.write(append(text, '\n'))
		return f.broken
	}
	var b bytes.Buffer
	b.WriteString("event: " + name + "\nid: " + strconv.FormatUint(place, 10) + "\ndata: ")
	b.Write(text)
	b.WriteString("\n\n")
	f.write(b.Bytes())
	return f.broken
}

// write is called with mu held.
func (f *feed) write(text []byte) {
	if f.broken != nil {
		return
	}
	if !f.begun {
		f.begun = true
		f.w.Header().Set("Content-Type", f.kind)
		f.w.WriteHeader(http.StatusOK)
	}
	_, err := f.w.Write(text)
	if err == nil {
		err = http.NewResponseController(f.w).Flush()
	}
	f.last = time.Now()
	if err != nil {
		f.broken = err
		f.cancel()
	}
}

// started reports whether something was written, after which no status can be answered.
func (f *feed) started() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.begun
}
