package value_test

import (
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grpc-tool-bridge/toolbridge/tool"
	"github.com/grpc-tool-bridge/toolbridge/value"
)

// textTypes has a field of every type of the standard library that writes its own text and reads it.
type textTypes struct {
	Level   slog.Level
	IP      net.IP
	NoIP    net.IP
	Addr    netip.Addr
	Mapped  netip.Addr
	NoAddr  netip.Addr
	Port    netip.AddrPort
	Prefix  netip.Prefix
	Int     *big.Int
	Rat     *big.Rat
	OID     x509.OID
	Pattern *regexp.Regexp
	None    *regexp.Regexp
	Time    time.Time
	Keys    map[netip.Addr]slog.Level
}

func TestTypesOfTheStandardLibraryThatHaveATextComeBackFromIt(t *testing.T) {
	t.Parallel()
	oid, err := x509.ParseOID("1.2.840.113549")
	require.NoError(t, err)
	given := textTypes{
		Level: slog.LevelInfo + 2, IP: net.ParseIP("192.0.2.1"), Addr: netip.MustParseAddr("fe80::1%eth0"), Mapped: netip.MustParseAddr("::ffff:192.0.2.1"),
		Port: netip.MustParseAddrPort("[2001:db8::1]:443"), Prefix: netip.MustParsePrefix("192.0.2.0/24"),
		Int: new(big.Int).Lsh(big.NewInt(1), 300), Rat: big.NewRat(1, 3), OID: oid, Pattern: regexp.MustCompile(`a+(?P<b>\d|x)`),
		Time: time.Date(2024, 5, 6, 7, 8, 9, 1, time.UTC), Keys: map[netip.Addr]slog.Level{netip.MustParseAddr("::1"): slog.LevelError},
	}
	require.Equal(t, given, through[textTypes](t, given))
}

func TestAPatternThatItsTextDoesNotSayIsRefused(t *testing.T) {
	t.Parallel()
	longest := regexp.MustCompile(`a|ab`)
	longest.Longest()
	for _, pattern := range []*regexp.Regexp{longest, regexp.MustCompilePOSIX(`a|ab`)} {
		_, err := value.Encode(map[string]any{"p": pattern})
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError})
		require.ErrorContains(t, err, "longest match")
		require.Equal(t, "$.p", details(t, err)["path"])
	}
}

func TestABigFloatIsRefusedForItsTextLosesIt(t *testing.T) {
	t.Parallel()
	precise := new(big.Float).SetPrec(200).Quo(big.NewFloat(1), big.NewFloat(3))
	type row struct{ X *big.Float }
	for name, given := range map[string]any{
		"alone": precise, "by value": *precise, "in a list": []any{precise}, "in a struct": row{precise}, "of few bits": big.NewFloat(0.1),
		"in a list of its type": []*big.Float{precise}, "as a key": map[*big.Float]int{precise: 1},
	} {
		_, err := value.Encode(given)
		require.ErrorIs(t, err, &tool.Error{Code: tool.SerializationError}, name)
		require.ErrorContains(t, err, "*big.Rat (x.Rat(nil))", name)
		_, err = value.EncodeJSON(given)
		require.ErrorContains(t, err, "*big.Rat (x.Rat(nil))", name)
	}
	require.Equal(t, row{}, through[row](t, row{}), "nil is none")
	for _, sent := range []any{"0.1", 0.5, 1} {
		encoded, err := value.Encode(map[string]any{"X": sent})
		require.NoError(t, err)
		_, err = value.As[row](encoded)
		require.ErrorContains(t, err, "*big.Rat", "it would be read with 64 bits")
		require.Equal(t, "$.X", details(t, err)["path"])
	}
}
