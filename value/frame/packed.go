package frame

import "encoding/binary"

// packedLength is how many bytes a compressed buffer holds, which the readers of Arrow's library do not ask, since they are told how many
// there are to be; false where that takes decompressing it, or it is malformed.
func packedLength(frame []byte) (int64, bool) {
	if n, ok := zstdLength(frame); ok {
		return n, true
	}
	return lz4Length(frame)
}

// zstdLength is how long a frame of zstd says that its contents are (RFC 8878, 3.1.1.1).
func zstdLength(frame []byte) (int64, bool) {
	const magic, single = 0xfd2fb528, 1 << 5
	if len(frame) < 14 || binary.LittleEndian.Uint32(frame) != magic {
		return 0, false
	}
	described, at := frame[4], 5
	if described&single == 0 {
		at++ // the window
	}
	at += []int{0, 1, 2, 4}[described&3] // of a dictionary
	if len(frame) < at+8 {
		return 0, false
	}
	switch field := frame[at:]; described >> 6 {
	case 0:
		return int64(field[0]), described&single != 0
	case 1:
		return int64(binary.LittleEndian.Uint16(field)) + 256, true
	case 2:
		return int64(binary.LittleEndian.Uint32(field)), true
	default:
		n := binary.LittleEndian.Uint64(field)
		return int64(n), n < 1<<62
	}
}

// lz4Length adds up what the blocks of a frame of LZ4 hold, as its frame and block formats say.
func lz4Length(frame []byte) (total int64, ok bool) {
	const magic, dictionary, checksum, length, checksums = 0x184d2204, 1 << 0, 1 << 2, 1 << 3, 1 << 4
	if len(frame) < 7 || binary.LittleEndian.Uint32(frame) != magic {
		return 0, false
	}
	flags, at := frame[4], 7
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
			return total, flags&checksum == 0 || len(frame) >= at+4
		}
		if n > len(frame)-at {
			return 0, false
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
	return 0, false
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
		if own := int(total - before); own+2 <= len(block) {
			block = block[own+2:]
		} else {
			return total
		}
		more(token & 15)
		total += 4
	}
	return total
}
