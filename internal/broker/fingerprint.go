package broker

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

// fingerprint tells payloads apart: the tool as the caller names it, the arguments in order, the keywords in any order,
// and the form in which the result is wanted. Not what differs between two attempts: deadline, trace, epoch, attempt.
// The seed is this process's own, so that nobody can prepare two payloads with one fingerprint.
func fingerprint(seed maphash.Seed, call *tool.Call) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	writeText(&h, call.Tool)
	for _, v := range call.Args {
		writeValue(&h, v)
	}
	var plain byte
	if call.PlainValues {
		plain = 1
	}
	_ = h.WriteByte(plain) // never fails
	var keywords maphash.Hash
	keywords.SetSeed(seed)
	sum := uint64(len(call.Args))
	for i := range call.Kwargs {
		keywords.Reset()
		writeText(&keywords, call.Kwargs[i].Name)
		writeValue(&keywords, call.Kwargs[i].Value)
		sum += keywords.Sum64()
	}
	writeNumber(&h, sum)
	return h.Sum64()
}

func writeValue(h *maphash.Hash, v tool.Value) {
	writeText(h, v.TypeURL)
	writeNumber(h, uint64(len(v.Bytes)))
	_, _ = h.Write(v.Bytes) // never fails
}

func writeText(h *maphash.Hash, s string) {
	writeNumber(h, uint64(len(s)))
	_, _ = h.WriteString(s) // never fails
}

func writeNumber(h *maphash.Hash, n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	_, _ = h.Write(b[:]) // never fails
}
