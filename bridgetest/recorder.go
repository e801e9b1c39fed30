package bridgetest

import "iter"

// Recording is what came of a stream.
type Recording[T any] struct {
	// Items in the order in which they came.
	Items []T
	// Err is how the stream ended; nil for a whole one.
	Err error
}

// Record reads a stream to its end.
func Record[T any](stream iter.Seq2[T, error]) Recording[T] { return RecordSome(stream, -1) }

// RecordSome reads n items of a stream and then leaves it, or reads it to its end if n is below 0.
func RecordSome[T any](stream iter.Seq2[T, error], n int) Recording[T] {
	var r Recording[T]
	if n == 0 {
		return r
	}
	for item, err := range stream {
		if err != nil {
			r.Err = err
			break
		}
		r.Items = append(r.Items, item)
		if len(r.Items) == n {
			break
		}
	}
	return r
}
