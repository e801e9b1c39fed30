package toolbridge

import (
	"errors"
	"strconv"
	"strings"

	"google.golang.org/grpc/resolver"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// maxPort is the highest port there is.
const maxPort = 65_535

// checkAddress refuses an address with a port that there cannot be: gRPC would try again and again until the connect timeout.
func checkAddress(address string) error {
	target := address
	if scheme, rest, found := strings.Cut(address, ":"); found && resolver.Get(scheme) != nil {
		if scheme != "dns" {
			return nil // what is no host and port, or only its resolver can read
		}
		target = rest[strings.LastIndexByte(rest, '/')+1:]
	}
	colon := strings.LastIndexByte(target, ':')
	if colon < 0 || strings.HasSuffix(target, "]") {
		return nil // it has gRPC's port
	}
	port := target[colon+1:]
	if n, err := strconv.Atoi(port); port != "" && (errors.Is(err, strconv.ErrSyntax) || err == nil && n > 0 && n <= maxPort) {
		return nil // a number, or the name of a service
	}
	return tool.Errorf(tool.ValidationError, "the address %.300q of the bridge cannot be used: its port is %.20q, not a number from 1 to %d", address, port, maxPort).
		With("address", address)
}
