package demo

import (
	"context"
	_ "embed" // for the corpus
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2"

	"github.com/grpc-tool-bridge/toolbridge/tool"
)

//go:embed corpus.json
var corpusJSON []byte

// article is one document of the corpus.
type article struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// hit is an article that was found.
type hit struct {
	Title string  `bridge:"title"`
	Text  string  `bridge:"text"`
	Score float64 `bridge:"score"`
}

// corpus is searched by any number of goroutines; its index is built once, at the first search.
type corpus struct {
	open func() (*index, error)
}

type index struct {
	bleve    bleve.Index
	articles []article
}

func newCorpus() *corpus { return &corpus{open: sync.OnceValues(buildIndex)} }

func buildIndex() (*index, error) {
	var articles []article
	if err := json.Unmarshal(corpusJSON, &articles); err != nil {
		return nil, fmt.Errorf("the corpus: %w", err)
	}
	b, err := bleve.NewMemOnly(bleve.NewIndexMapping())
	if err != nil {
		return nil, fmt.Errorf("the search index: %w", err)
	}
	batch := b.NewBatch()
	for i, a := range articles {
		if err := batch.Index(strconv.Itoa(i), a); err != nil {
			return nil, fmt.Errorf("the search index: %w", err)
		}
	}
	return &index{b, articles}, b.Batch(batch)
}

// maxQuery is the longest query in characters, and the largest number in bits.
const maxQuery = 1000

type searchWebIn struct {
	Query string `bridge:"query" max:"1000" desc:"what to look for"`
	Limit int    `bridge:"limit" default:"5" min:"1" max:"100" desc:"at most so many results"`
}

func (c *corpus) searchWeb(ctx context.Context, in searchWebIn) ([]hit, error) {
	return c.find(ctx, in.Query, in.Limit)
}

type searchIn struct {
	Query  any    `bridge:"query" desc:"what to look for"`
	Option string `bridge:"option" default:"A" enum:"A|B|C" desc:"A: by relevance, B: by title, C: by title backwards"`
	Limit  int    `bridge:"limit" default:"5" min:"1" max:"100" desc:"at most so many results"`
}

func (c *corpus) search(ctx context.Context, in searchIn) ([]hit, error) {
	query, err := queryText(in.Query)
	if err != nil {
		return nil, err
	}
	hits, err := c.find(ctx, query, in.Limit)
	if err != nil {
		return nil, err
	}
	if in.Option != "A" {
		slices.SortFunc(hits, func(a, b hit) int { return strings.Compare(a.Title, b.Title) })
	}
	if in.Option == "C" {
		slices.Reverse(hits)
	}
	return hits, nil
}

// queryText is a query as text: a number is looked for by its digits.
func queryText(query any) (string, error) {
	text, is := query.(string)
	if n, number := whole(query); number && n.BitLen() <= maxQuery {
		text, is = n.String(), true
	}
	if f, number := query.(float64); number {
		text, is = strconv.FormatFloat(f, 'g', -1, 64), true
	}
	if !is {
		return "", tool.Errorf(tool.ValidationError, "argument \"query\" of tool \"search\": want str, int or float, got %s", typeName(query)).With("argument", "query")
	}
	if n := utf8.RuneCountInString(text); n > maxQuery {
		return "", tool.Errorf(tool.ValidationError, "argument \"query\" of tool \"search\" has %d characters: the limit is %d", n, maxQuery).With("argument", "query")
	}
	return text, nil
}

func (c *corpus) find(ctx context.Context, query string, limit int) ([]hit, error) {
	x, err := c.open()
	if err != nil {
		return nil, tool.Errorf(tool.Internal, "search: %w", err)
	}
	found, err := x.bleve.SearchInContext(ctx, bleve.NewSearchRequestOptions(bleve.NewMatchQuery(query), limit, 0, false))
	if err != nil {
		return nil, fmt.Errorf("search for %q: %w", query, err)
	}
	hits := make([]hit, 0, len(found.Hits))
	for _, h := range found.Hits {
		i, err := strconv.Atoi(h.ID)
		if err != nil {
			return nil, fmt.Errorf("search for %q: %w", query, err)
		}
		hits = append(hits, hit{Title: x.articles[i].Title, Text: x.articles[i].Text, Score: h.Score})
	}
	return hits, nil
}
