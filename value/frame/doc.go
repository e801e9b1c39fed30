// Package frame reads and writes tables, series and arrays of pandas, polars, pyarrow and numpy, which travel as Arrow
// IPC streams. It is handed to a codec by value.New(value.With(frame.Extension())); without it they are value.Opaque.
//
// A Table that was decoded and is encoded again has the same bytes, so that nothing of what its library knows about
// it is lost on the way through a Go program. Tables are not changed once they are made and may be read by many
// goroutines at once.
package frame
