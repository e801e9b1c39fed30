package demo

import (
	"context"
	"time"
)

type items struct {
	Items []any `bridge:"items" desc:"any values"`
}

type processed struct {
	Index  int `bridge:"index"`
	Item   any `bridge:"item"`
	Result any `bridge:"result"`
}

func processData(_ context.Context, in items, yield func(processed) error) error {
	for i, item := range in.Items {
		if err := yield(processed{Index: i, Item: item, Result: squared(item)}); err != nil {
			return err
		}
	}
	return nil
}

type chunks struct {
	N int `bridge:"n" min:"0" max:"1000000" desc:"how many chunks"`
}

const chunkBytes = 64 << 10

func streamProcessor(_ context.Context, in chunks, yield func([]byte) error) error {
	chunk := make([]byte, chunkBytes)
	for i := range chunk {
		chunk[i] = byte(i)
	}
	for range in.N {
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

type numbers struct {
	Numbers []float64 `bridge:"numbers" desc:"numbers, or a range of them"`
}

type part struct {
	From int     `bridge:"from"`
	To   int     `bridge:"to"`
	Sum  float64 `bridge:"sum"`
}

func processLarge(_ context.Context, in numbers, yield func(part) error) error {
	size := max(1, (len(in.Numbers)+9)/10)
	for from := 0; from < len(in.Numbers); from += size {
		p := part{From: from, To: min(from+size, len(in.Numbers))}
		for _, n := range in.Numbers[p.From:p.To] {
			p.Sum += n
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

type count struct {
	N       int `bridge:"n" min:"0" max:"1000000" desc:"the last number"`
	DelayMS int `bridge:"delay_ms" default:"0" min:"0" max:"10000" desc:"milliseconds between two numbers"`
}

func countTo(ctx context.Context, in count, yield func(int) error) error {
	for i := 1; i <= in.N; i++ {
		if err := yield(i); err != nil {
			return err
		}
		if i < in.N {
			if err := pause(ctx, time.Duration(in.DelayMS)*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

type records struct {
	Count int `bridge:"count" default:"10" min:"0" max:"1000000" desc:"how many records"`
}

type record struct {
	Index  int    `bridge:"index"`
	Square int    `bridge:"square"`
	Text   string `bridge:"text"`
}

func streamData(_ context.Context, in records, yield func(record) error) error {
	for i := range in.Count {
		if err := yield(record{Index: i, Square: i * i, Text: "record"}); err != nil {
			return err
		}
	}
	return nil
}
