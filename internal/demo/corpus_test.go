package demo_test

import (
	"encoding/json"
	"math/big"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

type found struct {
	Title string  `json:"title"`
	Text  string  `json:"text"`
	Score float64 `json:"score"`
}

func hits(t *testing.T, name string, args ...any) []found {
	t.Helper()
	text, err := callTool(t, newHost(t), name, args...)
	require.NoError(t, err)
	var out []found
	require.NoError(t, json.Unmarshal([]byte(text), &out))
	return out
}

func TestSearchWeb_finds_the_best_match_first(t *testing.T) {
	t.Parallel()
	got := hits(t, "search_web", "DSPy framework")
	require.NotEmpty(t, got)
	require.Equal(t, "DSPy framework", got[0].Title)
	for i := 1; i < len(got); i++ {
		require.GreaterOrEqual(t, got[i-1].Score, got[i].Score)
	}
	require.NotEmpty(t, got[0].Text)
}

func TestSearchWeb_obeys_the_limit(t *testing.T) {
	t.Parallel()
	require.Len(t, hits(t, "search_web", "a program in a language", 2), 2)
}

func TestSearchWeb_finds_nothing_for_what_no_article_says(t *testing.T) {
	t.Parallel()
	require.Equal(t, []found{}, hits(t, "search_web", "zzzqqq"))
	require.Equal(t, []found{}, hits(t, "search_web", ""))
}

func TestSearch_sorts_as_the_option_says(t *testing.T) {
	t.Parallel()
	byTitle := hits(t, "search", "language", kwOption("B"))
	backwards := hits(t, "search", "language", kwOption("C"))
	require.Greater(t, len(byTitle), 1)
	require.Len(t, backwards, len(byTitle))
	for i := range byTitle {
		require.Equal(t, byTitle[i], backwards[len(backwards)-1-i])
		if i > 0 {
			require.Less(t, byTitle[i-1].Title, byTitle[i].Title)
		}
	}
}

func kwOption(option string) kw { return kw{"option": option} }

func TestSearch_looks_for_numbers_by_their_digits(t *testing.T) {
	t.Parallel()
	for _, query := range []any{57, 1.5, new(big.Int).Lsh(big.NewInt(1), 70)} {
		require.NotNil(t, hits(t, "search", query))
	}
}

func TestSearch_by_many_at_once_builds_one_index(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	var searching sync.WaitGroup
	for range 16 {
		searching.Go(func() {
			text, err := callTool(t, host, "search_web", "etcd")
			if err != nil || text == "[]" {
				t.Errorf("search: %s, %v", text, err)
			}
		})
	}
	searching.Wait()
}
