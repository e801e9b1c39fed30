package link

import (
	"time"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// alarm is one of the engine's own deadlines.
type alarm struct {
	deadline
	fire func() func()
}

func (a *alarm) expired() func() { return a.fire() }

// schedule adds a deadline and sets the timer for it; the mutex is held.
func (e *engine) schedule(d *deadline, at time.Duration, x expirer) {
	if e.gone != nil {
		return
	}
	e.deadlines.remove(d)
	e.deadlines.add(d, at, x)
	e.arm(e.deadlines[0].at)
}

// arm sets the timer, unless it fires early enough anyway; the mutex is held. It is not set back when a deadline is
// removed: it then fires once for nothing.
func (e *engine) arm(at time.Duration) {
	if e.alarmAt != 0 && e.alarmAt <= at {
		return
	}
	e.alarmAt = max(at, 1)
	after := max(at-e.now(), 0)
	if e.timer == nil {
		e.timer = time.AfterFunc(after, e.ring)
		return
	}
	e.timer.Reset(after)
}

// ring expires what is due.
func (e *engine) ring() {
	var later []func()
	e.mu.Lock()
	e.alarmAt = 0
	for now := e.now(); e.gone == nil && len(e.deadlines) > 0 && e.deadlines[0].at <= now; {
		d := e.deadlines[0]
		x := d.expire
		e.deadlines.remove(d)
		if f := x.expired(); f != nil {
			later = append(later, f)
		}
	}
	if e.gone == nil && len(e.deadlines) > 0 {
		e.arm(e.deadlines[0].at)
	}
	e.mu.Unlock()
	for _, f := range later {
		f()
	}
}

// pingDue sends a ping. When three are unanswered and another one is due, the other side is unresponsive.
func (e *engine) pingDue() func() {
	if e.conn == nil {
		return nil
	}
	e.missed++
	if e.missed == missedPings+1 {
		e.tell(false, nil)
	}
	var body encoder
	body.varint(1, pingKeepalive)
	e.send(0, framePing, body.buf)
	e.schedule(&e.pingAlarm.deadline, e.now()+e.ping, &e.pingAlarm)
	return nil
}

// pingKeepalive is the id of the pings that nobody waits for.
const pingKeepalive = 1

// heardFrom notes a sign of life.
func (e *engine) heardFrom() {
	if e.missed > 0 {
		e.missed = 0
		e.tell(false, nil)
	}
}

// graceOver ends an incarnation that was not resumed.
func (e *engine) graceOver() func() {
	return e.endLocked(tool.Errorf(tool.WorkerLost, "%s did not come back within %v after its connection was lost", e.peer, e.grace))
}

// watchProgress sees to it that a reader that makes no progress is noticed.
func (e *engine) watchProgress(now time.Duration) {
	if e.slowAlarm.place == 0 {
		e.schedule(&e.slowAlarm.deadline, now+stallTimeout, &e.slowAlarm)
	}
}

// checkProgress ends a connection whose reader has made no progress for 10 s while there was something to read.
func (e *engine) checkProgress() func() {
	c := e.conn
	if c == nil {
		return nil
	}
	since := e.blockedSince
	if since == 0 || c.sendingSince != 0 && c.sendingSince < since {
		since = c.sendingSince
	}
	if since == 0 {
		return nil
	}
	if now := e.now(); now-since < stallTimeout {
		e.schedule(&e.slowAlarm.deadline, since+stallTimeout, &e.slowAlarm)
		return nil
	}
	c.end(tool.Errorf(tool.WorkerLost, "%s has read nothing for %v while messages waited for it", e.peer, stallTimeout))
	return nil
}
