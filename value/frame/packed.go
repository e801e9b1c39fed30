package frame

import "encoding/binary"

const (
	unsaid = -1 // of how many bytes a compressed buffer holds: that takes decompressing it
	cutOff = -2 // it has no end
)

// packedLength is how many bytes a compressed buffer holds, which the readers of Arrow's library do not ask, since they are told how many
// there are to be. Neither do they look for its end.
func packedLength(frame []byte) int64 {
	const zstdMagic, lz4Magic = 0xfd2fb528, 0x184d2204
	if len(frame) < 4 {
		return cutOff
	}
	switch binary.LittleEndian.Uint32(frame) {
	case zstdMagic:
		return zstdLength(frame[4:])
	case lz4Magic:
		return lz4Length(frame[4:])
	default:
		return unsaid
	}
}

// zstdLength is how long a frame of zstd says that its contents are, behind its magic number (RFC 8878, 3.1.1).
func zstdLength(frame []byte) int64 {
	const single, checksum = 1 << 5, 1 << 2
	if len(frame) == 0 {
		return cutOff
	}
	described := frame[0]
	at := 1 + []int{0, 1, 2, 4}[described&3] // of a dictionary
	field := []int{0, 2, 4, 8}[described>>6]
	if described&single == 0 {
		at++ // the window
	} else {
		field = max(field, 1)
	}
	if len(frame) < at+field {
		return cutOff
	}
	said := int64(unsaid)
	switch described := frame[at:]; field {
	case 1:
		said = int64(described[0])
	case 2:
		said = int64(binary.LittleEndian.Uint16(described)) + 256
	case 4:
		said = int64(binary.LittleEndian.Uint32(described))
	case 8:
		said = max(unsaid, int64(binary.LittleEndian.Uint64(described)))
	}
	if !endsZstd(frame[at+field:], described&checksum != 0) {
		return cutOff
	}
	return said
}

// endsZstd reports whether blocks of zstd have a last one, and what is behind it.
func endsZstd(blocks []byte, checksum bool) bool {
	const repeated = 1
	for len(blocks) >= 3 {
		header := int(blocks[0]) | int(blocks[1])<<8 | int(blocks[2])<<16
		size := header >> 3
		if header>>1&3 == repeated {
			size = 1
		}
		if blocks = blocks[3:]; size > len(blocks) {
			return false
		}
		if blocks = blocks[size:]; header&1 == 1 {
			return !checksum || len(blocks) >= 4
		}
	}
	return false
}

// lz4Length adds up what the blocks of a frame of LZ4 hold, behind its magic number, as its frame and block formats say.
func lz4Length(frame []byte) (total int64) {
	const dictionary, checksum, length, checksums = 1 << 0, 1 << 2, 1 << 3, 1 << 4
	if len(frame) < 3 {
		return cutOff
	}
	flags, at := frame[0], 3
	if flags&length != 0 {
		at += 8
	}
	if flags&dictionary != 0 {
		at += 4
	}
	for len(frame) >= at+4 {
		size := binary.LittleEndian.Uint32(frame[at:])
		n, raw := int(size&(1<<31-1)), size>>31 == 1
		at += 4
		if size == 0 {
			if flags&checksum != 0 && len(frame) < at+4 {
				return cutOff
			}
			return total
		}
		if n > len(frame)-at {
			return cutOff
		}
		holds := int64(n)
		if !raw {
			holds = blockLength(frame[at : at+n])
		}
		total += holds
		at += n
		if flags&checksums != 0 {
			at += 4
		}
	}
	return cutOff
}

// blockLength adds up what the sequences of a block hold: so many bytes of its own, and so many that are there before. What is malformed
// is refused when it is read.
func blockLength(block []byte) (total int64) {
	more := func(n byte) {
		total += int64(n)
		for n == 15 && len(block) > 0 {
			next := block[0]
			block, total = block[1:], total+int64(next)
			if next < 255 {
				return
			}
		}
	}
	for len(block) > 0 {
		token, before := block[0], total
		block = block[1:]
		more(token >> 4)
		own := int(total - before)
		if own+2 > len(block) {
			return total
		}
		block = block[own+2:]
		more(token & 15)
		total += 4
	}
	return total
}
