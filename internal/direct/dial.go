package direct

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/resolver"
)

// Target says whom to dial.
type Target struct {
	// Address is "host:port", or "unix:" and a path.
	Address string
	// Path is that of the method: "/package.Service/Method".
	Path string
	// Credentials secure the connection.
	Credentials credentials.TransportCredentials
}

// Of a process, as long as it is on its own: a bridge that does not answer is looked for elsewhere.
const clientSilence, clientPatience = 15 * time.Second, 10 * time.Second

// connectTimeout bounds connecting and, again, what the credentials do.
const connectTimeout = 5 * time.Second

// Possible reports whether an address is one that can be dialled here: no scheme but unix, and no proxy on the way.
func (t *Target) Possible() bool {
	network, place := t.place()
	if network == "unix" {
		return place != "" && !strings.ContainsAny(place, "?#%")
	}
	if strings.ContainsAny(place, "/%") {
		return false
	}
	host, port, err := net.SplitHostPort(place)
	if err != nil || host == "" || resolver.Get(host) != nil { // what seems to be a host is a scheme
		return false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: place}})
	return err == nil && proxy == nil
}

func (t *Target) place() (network, place string) {
	if path, is := strings.CutPrefix(t.Address, "unix:"); is {
		if absolute, is := strings.CutPrefix(path, "//"); is {
			path = absolute
		}
		return "unix", path
	}
	return "tcp", t.Address
}

// Dial connects and begins the stream, which ends when ctx does. That anybody understood it is known when the first message comes.
func Dial(ctx context.Context, t Target) (*Stream, error) {
	network, place := t.place()
	dialer := net.Dialer{Timeout: connectTimeout, KeepAlive: -1} // the stream looks for signs of life itself
	conn, err := dialer.DialContext(ctx, network, place)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the address and what was tried
	}
	authority, scheme := place, "http"
	if network == "unix" {
		authority = "localhost"
	}
	if t.Credentials.Info().SecurityProtocol != "insecure" {
		scheme = "https"
	}
	_ = conn.SetDeadline(time.Now().Add(connectTimeout))
	secured, _, err := t.Credentials.Clone().ClientHandshake(ctx, authority, conn)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("secure the connection to %s: %w", place, err)
	}
	_ = secured.SetDeadline(time.Time{})
	s := newStream(ctx, secured, false, liveness{clientSilence, clientPatience})
	opening := appendSettings([]byte(preface), uint32(settingSole), 1, uint32(settingEnablePush), 0, uint32(settingInitialWindow), window, uint32(settingMaxFrame), maxFrame,
		uint32(settingMaxHeaders), maxHeaders)
	opening = appendWindowUpdate(opening, 0, window-firstWindow)
	opening = requestHeaders(opening, t.Path, scheme, authority)
	s.control = opening // leaves with the first message
	s.watch()
	return s, nil
}
