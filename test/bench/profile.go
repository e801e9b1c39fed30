package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	runtimeprofile "runtime/pprof"
)

// profiledPart, before the name of a part, makes it serve profiles of itself.
const profiledPart = "profiled"

// profilesOn begins the line in which a bridge, or a part of this program, says where it serves profiles.
const profilesOn = "profiles and metrics on "

// profileRounds is for how many rounds' time a profile is taken: so long that the rarest step of a table has some samples.
const profileRounds = 8

// serveProfiles serves profiles of this process until it ends, and says where.
func serveProfiles(ctx context.Context, out io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	_, err = fmt.Fprintf(out, "%shttp://%v/debug/pprof/\n", profilesOn, listener.Addr())
	return err
}

// profiled is what the profiles of one side say.
type profiled struct {
	calls     int
	processes []profiledProcess
}

// profiledProcess is one process of a side: the processor time that a call took there, and the file that says what for.
type profiledProcess struct {
	name string
	// used is microseconds a call.
	used float64
	// path is empty for a process of which there is no profile, because it is not written in Go.
	path string
}

// profile measures each side of a group for one more round, a long one, and takes the profiles of all its processes in it.
func (g group) profile(ctx context.Context, p plan, scene string, out io.Writer) (failed error) {
	if err := os.MkdirAll(p.profile, 0o755); err != nil { //nolint:gosec // profiles are no secret, and the path is the user's own
		return err
	}
	for _, s := range g.sides {
		place := strings.Join([]string{scene, g.name, fmt.Sprint(g.width), s.name}, ",")
		found, err := s.profile(ctx, g.width, p.longer(profileRounds), filepath.Join(p.profile, strings.ReplaceAll(place, " ", "-")))
		if err == nil {
			err = found.print(ctx, place, out)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("profiles of %s: %w", place, err))
		}
	}
	return failed
}

// profile measures one side and takes the profiles of its processes, into files that begin so.
func (s side) profile(ctx context.Context, width int, d time.Duration, path string) (profiled, error) {
	all := []profiledProcess{{name: "bench", path: path + ",bench.pprof"}} // which calls, unless a process in Python does
	for _, p := range s.peers {
		one := profiledProcess{name: strings.TrimPrefix(strings.TrimPrefix(p.name, "the part "), "the ")}
		if err := p.findDebug(); err != nil {
			return profiled{}, err
		}
		if p.debug != "" {
			one.path = path + "," + one.name + ".pprof"
		}
		all = append(all, one)
	}
	before, err := s.processorTimes()
	if err != nil {
		return profiled{}, err
	}
	end, err := s.record(ctx, d, all)
	if err != nil {
		return profiled{}, err
	}
	got, failed := s.run(ctx, width, d)
	after, err := s.processorTimes()
	if err := errors.Join(failed, err, end()); err != nil {
		return profiled{}, err
	}
	for i := range all { // of the times, this process's are the last
		j := (i + len(after) - 1) % len(after)
		all[i].used = float64((after[j] - before[j]).Nanoseconds()) / 1000 / float64(max(1, got.Calls))
	}
	return profiled{got.Calls, all}, nil
}

// record begins to take the profiles of all processes, for so long; what it returns ends that.
func (s side) record(ctx context.Context, d time.Duration, all []profiledProcess) (end func() error, err error) {
	file, err := os.Create(all[0].path)
	if err != nil {
		return nil, err
	}
	if err := runtimeprofile.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	failures := make([]error, len(s.peers))
	var taken sync.WaitGroup
	for i, p := range s.peers {
		if path := all[i+1].path; path != "" {
			taken.Go(func() { failures[i] = p.takeProfile(ctx, d, path) })
		}
	}
	return func() error {
		runtimeprofile.StopCPUProfile()
		taken.Wait()
		return errors.Join(errors.Join(failures...), file.Close())
	}, nil
}

// takeProfile writes a profile of so long to a file.
func (p *process) takeProfile(ctx context.Context, d time.Duration, path string) error {
	text, err := fetch(ctx, fmt.Sprintf("%sprofile?seconds=%d", p.debug, max(1, int(d.Seconds()))))
	if err != nil {
		return fmt.Errorf("of %s: %w", p.name, err)
	}
	return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // a profile is no secret, and the path is the user's own
}

// findDebug reads where a process serves profiles, if it does.
func (p *process) findDebug() (err error) {
	if p.debug == "" && p.profiles {
		p.debug, err = p.lineWith(profilesOn)
	}
	return err
}

// print writes where the time of one side went.
func (r profiled) print(ctx context.Context, place string, out io.Writer) error {
	_, err := fmt.Fprintf(out, "\n%s: %d calls\n", place, r.calls)
	for _, p := range r.processes {
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintf(out, "%s: %.3g µs a call (%s)\n", p.name, p.used, orNone(p.path)); err != nil || p.path == "" {
			continue
		}
		var found []stepShare
		if found, err = stepsOf(ctx, p.path); err != nil {
			return err
		}
		for _, one := range found {
			fmt.Fprintf(out, "  %5.1f %%  %8.3g µs  %s\n", 100*one.share, p.used*one.share, one.name)
		}
	}
	return err
}

func orNone(path string) string {
	if path == "" {
		return "no profile: not written in Go"
	}
	return path
}
